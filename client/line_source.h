// LineSource: the source of the shell's lines: LineEditor on a terminal, PlainLines for a pipe or a file, or a test.
//
//   LineSource ◀─┬─ LineEditor (client/line_editor.h): editing, history, completion
//                └─ PlainLines: unedited
//
// One thread at a time.
#ifndef POLYSERVE_CLIENT_LINE_SOURCE_H_
#define POLYSERVE_CLIENT_LINE_SOURCE_H_

#include <optional>
#include <string>

namespace polyserve {

class LineSource {
 public:
  virtual ~LineSource() = default;

  // Blocks until there is a line, and returns it without its end. Returns nothing at the end of the input, or if the
  // program must end (Interrupt::must_end()).
  virtual std::optional<std::string> Next() = 0;
};

// Reads standard input without editing, for pipes and files. Any interrupt ends it.
class PlainLines : public LineSource {
 public:
  std::optional<std::string> Next() override;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LINE_SOURCE_H_
