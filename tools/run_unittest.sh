#!/bin/sh
# Runs one file of Python's unittest from the top of the tree, which is where Bazel starts its tests:
#   tools/run_unittest.sh tools/comparison/store_test.py
# The packages in tools/ are found from there.
cd tools || exit 1
module=$(echo "${1#tools/}" | sed 's|/|.|g; s|\.py$||')
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -m unittest --verbose "$module"
