#!/bin/sh
# Run the default tests on every Python from 3.11 on that can be found, each in its own environment.
set -eu
found=""
for candidate in python3.11 python3.12 python3.13 python3.14 "$HOME"/.pyenv/versions/3.1[1-9]*/bin/python3; do
    path=$(command -v "$candidate" 2>/dev/null) || continue
    version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2]) if sys.version_info >= (3, 11) else None' 2>/dev/null) || continue
    case "$version" in ""|None) continue ;; esac
    case " $found " in *" $version "*) continue ;; esac
    found="$found $version"
    echo "== Python $version ($path)"
    make --no-print-directory test VENV=".venv-$version" PYTHON="$path"
done
test -n "$found" || { echo "no Python from 3.11 on was found"; exit 1; }
echo "passed on:$found"
