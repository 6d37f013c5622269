// LineSource: where the shell's lines come from: the line editor, a pipe, or a test.
#ifndef POLYSERVE_CLIENT_LINE_SOURCE_H_
#define POLYSERVE_CLIENT_LINE_SOURCE_H_

#include <optional>
#include <string>

namespace polyserve {

class LineSource {
 public:
  virtual ~LineSource() = default;

  // Waits for a line and returns it without its end. Nothing: there are no more, or the program is to end.
  virtual std::optional<std::string> Next() = 0;
};

// Standard input as it is, if it is not a terminal. An interrupt ends it.
class PlainLines : public LineSource {
 public:
  std::optional<std::string> Next() override;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LINE_SOURCE_H_
