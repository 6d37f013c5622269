#include "protocol/http/date.h"

#include <chrono>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

// The names of the grammar. strftime(3) would write those of the locale. Days are written out for the form of RFC 850;
// the other two take three letters.
constexpr absl::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr absl::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A point in time taken apart, in UTC. `month` and `day` count from 1; `weekday` counts from Sunday, which is 0.
struct Moment {
  int year;
  unsigned month;
  unsigned day;
  unsigned weekday;
  int64_t second_of_day;
};

// floor(), not a cast: a time before 1970 belongs to the day that began before it.
Moment MomentOf(int64_t seconds) {
  const sys_seconds time{std::chrono::seconds(seconds)};
  const sys_days day = std::chrono::floor<std::chrono::days>(time);
  const year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
          std::chrono::weekday(day).c_encoding(), (time - day).count()};
}

// All forms have fixed columns, hence the zero in front.
void AppendTwo(std::string& text, int64_t number) {
  text.push_back(static_cast<char>('0' + number / 10 % 10));
  text.push_back(static_cast<char>('0' + number % 10));
}

// Four digits, as the grammar has it. Date and Last-Modified need no more: neither is ever later than the clock
// (HttpSite::NotAfterDate()).
void AppendYear(std::string& text, int year) {
  AppendTwo(text, year / 100);
  AppendTwo(text, year % 100);
}

// Takes a date apart from left to right. Once something does not fit, ok() is false for good, and later calls return
// any number: so a parser below reads like the format, and checks only at its end.
class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && text_.empty(); }

  void Literal(absl::string_view literal) { ok_ = ok_ && absl::ConsumePrefix(&text_, literal); }

  // A number of exactly this many digits: neither "6 Nov" nor "+6 Nov" is a date of HTTP.
  int Number(size_t digits) {
    int number = 0;
    for (size_t i = 0; i < digits && ok_; ++i) {
      ok_ = !text_.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text_[0]));
      if (!ok_) break;
      number = number * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return number;
  }

  // asctime()'s day of the month: one digit has a blank before it, so "Nov  6" has two in a row, and "Nov 16" one.
  int PaddedNumber() { return absl::ConsumePrefix(&text_, " ") ? Number(1) : Number(2); }

  // 1 to 12. Case matters in all names (RFC 9110, section 5.6.7).
  unsigned Month() {
    for (unsigned month = 0; month < 12; ++month) {
      if (absl::ConsumePrefix(&text_, kMonths[month])) return month + 1;
    }
    ok_ = false;
    return 0;
  }

  // The name of a day, whole or its first three letters. Which day it is follows from the date. That the two agree is
  // not checked: recipients are asked to be robust (RFC 9110, section 5.6.7), and a wrong day does not make the time
  // ambiguous.
  void Weekday(bool whole) {
    for (absl::string_view day : kDays) {
      if (absl::ConsumePrefix(&text_, whole ? day : day.substr(0, 3))) return;
    }
    ok_ = false;
  }

  std::chrono::seconds TimeOfDay() {
    const int hours = Number(2);
    Literal(":");
    const int minutes = Number(2);
    Literal(":");
    const int seconds = Number(2);
    // The grammar has second 60, a leap second. POSIX time has none, so it becomes the next second.
    ok_ = ok_ && hours < 24 && minutes < 60 && seconds <= 60;
    return std::chrono::seconds(hours * 3600 + minutes * 60 + seconds);
  }

 private:
  absl::string_view text_;
  bool ok_ = true;
};

// Nothing for a day that the calendar does not have, such as 31 April. By the calendar of C++20: mktime(3) would go by
// the zone of TZ, and lock while it looks at that.
std::optional<int64_t> Seconds(int year, unsigned month, int day, std::chrono::seconds time) {
  const year_month_day date{std::chrono::year(year), std::chrono::month(month),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return (sys_days(date) + time).time_since_epoch().count();
}

// "Sun, 06 Nov 1994 08:49:37 GMT". The zone is a part of the form, not one of several as in mail: all dates of HTTP are
// in UTC (RFC 9110, section 5.6.7).
std::optional<int64_t> ParseFixed(Scanner scanner) {
  scanner.Weekday(false);
  scanner.Literal(", ");
  const int day = scanner.Number(2);
  scanner.Literal(" ");
  const unsigned month = scanner.Month();
  scanner.Literal(" ");
  const int year = scanner.Number(4);
  scanner.Literal(" ");
  const std::chrono::seconds time = scanner.TimeOfDay();
  scanner.Literal(" GMT");
  return scanner.at_end() ? Seconds(year, month, day, time) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT", of RFC 850. A year of two digits lies between 1970 and 2069. RFC 9110 asks for a
// window that moves with the clock (a date more than 50 years ahead is one of the past); this one is fixed.
std::optional<int64_t> ParseRfc850(Scanner scanner) {
  scanner.Weekday(true);
  scanner.Literal(", ");
  const int day = scanner.Number(2);
  scanner.Literal("-");
  const unsigned month = scanner.Month();
  scanner.Literal("-");
  const int year = scanner.Number(2);
  scanner.Literal(" ");
  const std::chrono::seconds time = scanner.TimeOfDay();
  scanner.Literal(" GMT");
  return scanner.at_end() ? Seconds(year < 70 ? 2000 + year : 1900 + year, month, day, time) : std::nullopt;
}

// "Sun Nov  6 08:49:37 1994", of C's asctime(). It names no zone, and is in UTC all the same (RFC 9110, section 5.6.7).
std::optional<int64_t> ParseAsctime(Scanner scanner) {
  scanner.Weekday(false);
  scanner.Literal(" ");
  const unsigned month = scanner.Month();
  scanner.Literal(" ");
  const int day = scanner.PaddedNumber();
  scanner.Literal(" ");
  const std::chrono::seconds time = scanner.TimeOfDay();
  scanner.Literal(" ");
  const int year = scanner.Number(4);
  return scanner.at_end() ? Seconds(year, month, day, time) : std::nullopt;
}

}  // namespace

std::string FormatHttpDate(int64_t seconds) {
  const Moment moment = MomentOf(seconds);
  std::string text;
  text.reserve(29);  // Every date of this form has this length.
  text.append(kDays[moment.weekday].data(), 3).append(", ");
  AppendTwo(text, moment.day);
  text.append(" ").append(kMonths[moment.month - 1].data(), 3).append(" ");
  AppendYear(text, moment.year);
  text.append(" ");
  AppendTwo(text, moment.second_of_day / 3600);
  text.append(":");
  AppendTwo(text, moment.second_of_day / 60 % 60);
  text.append(":");
  AppendTwo(text, moment.second_of_day % 60);
  return text.append(" GMT");
}

std::string FormatReadableDate(int64_t seconds) {
  const Moment moment = MomentOf(seconds);
  std::string text;
  AppendYear(text, moment.year);
  text.append("-");
  AppendTwo(text, moment.month);
  text.append("-");
  AppendTwo(text, moment.day);
  text.append(" ");
  AppendTwo(text, moment.second_of_day / 3600);
  text.append(":");
  AppendTwo(text, moment.second_of_day / 60 % 60);
  return text;
}

std::optional<int64_t> ParseHttpDate(absl::string_view text) {
  // Each parser gets a copy of the scanner, and so begins at the front. The usual form comes first.
  const Scanner scanner(text);
  if (const std::optional<int64_t> time = ParseFixed(scanner)) return time;
  if (const std::optional<int64_t> time = ParseRfc850(scanner)) return time;
  return ParseAsctime(scanner);
}

}  // namespace polyserve
