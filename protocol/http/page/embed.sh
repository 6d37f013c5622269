#!/bin/sh
# Writes assets.cc: the files given as arguments, as string literals. The one thing that a file must not hold is the
# literal's end: ")page-end" with a quotation mark behind it.
set -eu
cat <<'END'
#include "protocol/http/page/assets.h"

namespace polyserve {

namespace {

constexpr PageAsset kAssets[] = {
END
for file; do
  printf '{"%s", R"page-end(' "$(basename "$file")"
  cat "$file"
  printf ')page-end", "%.16s"},\n' "$(sha256sum "$file")"
done
cat <<'END'
};

}  // namespace

absl::Span<const PageAsset> AllPageAssets() { return kAssets; }

}  // namespace polyserve
END
