#include "client/line_source.h"

#include <iostream>

#include "client/interrupt.h"

namespace polyserve {

std::optional<std::string> PlainLines::Next() {
  std::string line;
  // A signal interrupts the read (EINTR), which the stream takes for the end, even if it has a part of a line: that
  // part must not be executed, hence the second check.
  if (Interrupt::pending() || !std::getline(std::cin, line) || Interrupt::pending()) return std::nullopt;
  return line;
}

}  // namespace polyserve
