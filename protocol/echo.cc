#include "protocol/echo.h"

namespace polyserve {

void EchoSession::OnInput(Input& input, Output& output) {
  output.CountRequest();
  output.Write(input.bytes());
  input.ConsumeAll();
}

}  // namespace polyserve
