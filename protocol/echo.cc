#include "protocol/echo.h"

namespace polyserve {

void EchoSession::OnInput(Input& input, Output& output) {
  // A stream has no borders, so each read counts as a request; over UDP each datagram does.
  output.CountRequest();
  output.Write(input.bytes());
  input.ConsumeAll();
}

}  // namespace polyserve
