#include "room/name_registry.h"

#include <unicode/normalizer2.h>
#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <utility>

#include "absl/strings/match.h"
#include "base/logging.h"
#include "room/room.h"

namespace polyserve {

namespace {

// ICU's tools; each is made once, and lives as long as the process: one that a static destructor destroyed could still
// be in use by another thread. A step that fails leaves the text as it is: then fewer names look alike, and the log
// says so.
void LogFailure(const char* step, UErrorCode error) {
  LOG_EVERY_T(WARNING, 600) << "cannot find all names that look alike: ICU cannot " << step << " ("
                            << u_errorName(error) << ")";
}

// NFKC_Casefold: also removes default ignorable characters (Unicode, section 3.13).
icu::UnicodeString Folded(const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  if (U_FAILURE(error)) return LogFailure("fold cases", error), text;
  icu::UnicodeString folded = fold->normalize(text, error);
  if (U_FAILURE(error)) return LogFailure("fold cases", error), text;
  return folded;
}

// Whether Chinese characters are in it; UTF-16 may need two units for one (moveIndex32()).
bool HasHan(const icu::UnicodeString& text) {
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    if (u_hasBinaryProperty(text.char32At(at), UCHAR_IDEOGRAPHIC)) return true;
  }
  return false;
}

void Simplify(icu::UnicodeString& text) {
  if (!HasHan(text)) return;  // Making it takes ten milliseconds, once.
  // Static, like the transliterator itself, which is made only once: later names can still log why that failed.
  static UErrorCode error = U_ZERO_ERROR;
  static icu::Transliterator* const simplify =
      icu::Transliterator::createInstance("Traditional-Simplified", UTRANS_FORWARD, error);
  if (simplify == nullptr) return LogFailure("simplify Chinese characters", error);
  simplify->transliterate(text);
}

// Folded first, so that upper-case letters and compatibility forms meet the table of confusables as plain letters. The
// table maps some characters to upper-case ones (0 to O), hence the folding again at the end.
icu::UnicodeString SkeletonOf(absl::string_view name) {
  static UErrorCode error = U_ZERO_ERROR;
  static USpoofChecker* const checker = uspoof_open(&error);
  icu::UnicodeString text =
      Folded(icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int32_t>(name.size()))));
  Simplify(text);
  if (checker == nullptr) return LogFailure("find confusable characters", error), text;
  icu::UnicodeString skeleton;
  UErrorCode failed = U_ZERO_ERROR;
  // The 0 has had no meaning since ICU 58.
  uspoof_getSkeletonUnicodeString(checker, 0, text, skeleton, &failed);
  if (U_FAILURE(failed)) return LogFailure("find confusable characters", failed), text;
  return Folded(skeleton);
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

// Beside the skeleton: accents are passed over, and i, l, I, 1 and | are one. NFD takes an accent off its letter, so
// that it can be dropped as a nonspacing mark (Mn). Folding has turned I into i, and the table has turned 1 and | into
// l, so only l and i are left to be made one.
std::string BareOf(icu::UnicodeString skeleton) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const decompose = icu::Normalizer2::getNFDInstance(error);
  if (U_SUCCESS(error)) skeleton = decompose->normalize(skeleton, error);
  icu::UnicodeString bare;
  for (int32_t at = 0; at < skeleton.length(); at = skeleton.moveIndex32(at, 1)) {
    const UChar32 character = skeleton.char32At(at);
    if ((U_GET_GC_MASK(character) & U_GC_MN_MASK) == 0) bare.append(character == 'l' ? UChar32{'i'} : character);
  }
  return ToUtf8(bare);
}

}  // namespace

// Against the administrator's name the test is wider, "contains", since a member named "real-admin" would be believed.
absl::Status NameRegistry::Take(absl::string_view name) {
  // Not in the constructor: a room that no member joins never loads ICU's data.
  if (!admin_skeleton_.has_value()) admin_skeleton_ = BareOf(SkeletonOf(admin_name_));
  const icu::UnicodeString skeleton = SkeletonOf(name);
  if (absl::StrContains(BareOf(skeleton), *admin_skeleton_)) return NameIsAdministrators(admin_name_);
  std::string key = ToUtf8(skeleton);
  if (!taken_.emplace(key, name).second) return NameIsTaken();
  skeletons_.emplace(name, std::move(key));
  return absl::OkStatus();
}

// Found by the name as it was given: skeletons are not computed again.
void NameRegistry::Release(absl::string_view name) {
  const auto released = skeletons_.find(name);
  if (released == skeletons_.end()) return;
  taken_.erase(released->second);
  skeletons_.erase(released);
}

// As it was given first: the skeleton is for names that are typed on another keyboard.
std::string NameRegistry::Find(absl::string_view name) const {
  if (skeletons_.contains(name)) return std::string(name);
  if (!CheckMemberName(name).ok()) return "";
  const auto owner = taken_.find(KeyOf(name));
  return owner == taken_.end() ? "" : owner->second;
}

std::string NameRegistry::KeyOf(absl::string_view name) { return ToUtf8(SkeletonOf(name)); }

}  // namespace polyserve
