#!/usr/bin/env bash
# What `make lint` checks: the layer order, private headers, headers that compile alone, format, sizes, forbidden words.
# Every check goes on to the end; the exit status is 1 if any found something.
set -u
CDPATH='' cd -- "$(dirname -- "$0")/.." || exit 1
git ls-files --error-unmatch tools/lint.sh >/dev/null || { # as of an unpacked archive, or of a folder that is another user's
    echo "lint looks at the files that git knows, and git cannot list them here: see its message" >&2
    exit 1
}
found=0
complain() {
    printf '%s\n' "$@" >&2
    found=1
}

# --- layers: a folder includes itself and the folders on lines above its own ---
# "FOLDER LINE" of a path below src/: the longest name in LAYERS that it lies in, and that name's line; nothing where there is none.
layer_of() {
    awk -v path="$1" '!/^#/ && !/^only/ && NF {
        n++
        for (i = 1; i <= NF; i++)
            if (index(path, $i "/") == 1 && length($i) > length(name)) { name = $i; line = n }
    } END { if (name) print name, line }' LAYERS
}
while IFS=: read -r file _ line; do
    to=${line#*\"} to=${to%%\"*}
    read -r from a <<<"$(layer_of "${file#src/}")"
    read -r to b <<<"$(layer_of "$to")"
    [ -n "$from" ] || complain "$file: its folder is not in LAYERS"
    [ -n "$to" ] || { complain "$file: ${line#*:} is in no folder of LAYERS"; continue; }
    if [ "$from" != "$to" ] && [ "$b" -ge "${a:-0}" ]; then
        complain "$file: $from must not include $to (LAYERS)"
    fi
done < <(grep -nE '^#include "' -r src --include='*.[ch]')

# --- private headers: `only FOLDER HEADER...` ---
while read -r _ folder headers; do
    for h in $headers; do
        bad=$(grep -rlE "#include [<\"]$h[>\"]" src --include='*.[ch]' | grep -v "^src/$folder/")
        [ -z "$bad" ] || complain "$h may be included in src/$folder only, not in:" "$bad"
    done
done < <(grep '^only' LAYERS)

# --- headers alone, without the sources that usually come before them ---
for h in $(git ls-files "src/*.h"); do
    flags=""
    case $h in src/tensor/cpu/*) flags="-DCPU_LEVEL=plain" ;; esac
    printf '#include "%s"\n' "${h#src/}" | ${CC:-cc} -std=c11 -D_GNU_SOURCE -Isrc -include base/banned.h $flags -Wall -Wextra \
        -Wno-unused-function -Werror -fsyntax-only -x c - 2>/dev/null || complain "$h does not compile alone"
done

# --- format ---
if command -v clang-format >/dev/null; then
    bad=$(git ls-files '*.c' '*.h' | xargs clang-format --dry-run 2>&1 | grep -oE '^[^: ]+\.[ch]:[0-9]' | cut -d: -f1 | sort -u)
    [ -z "$bad" ] || complain "clang-format would change (make format):" "$bad"
else
    complain "clang-format is missing: tools/setup lint installs it"
fi

# --- sizes: exceptions are listed with their reason in tools/size_exceptions ---
excepted() { grep -qE "^$1( |$)" tools/size_exceptions 2>/dev/null; }
while read -r lines file; do
    case $file in *.h) most=450 ;; *) most=600 ;; esac
    [ "$lines" -le "$most" ] || excepted "$file" || complain "$file has $lines lines, at most $most"
done < <(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.c' | xargs wc -l | grep -v ' total$')
while read -r file line n; do
    excepted "$file:$line" || complain "$file:$line: a function of $n lines, at most 80"
done < <(git ls-files 'src/*.c' | xargs awk '/^\{/ {start = FNR} /^\}/ {if (start && FNR - start > 80) print FILENAME, start, FNR - start; start = 0}')

# --- folders that one can still guess ---
while read -r n folder; do
    [ "$n" -le 20 ] || complain "$folder has $n C files, at most 20"
done < <(git ls-files 'src/*.c' | xargs -n 1 dirname | sort | uniq -c)

# --- pages made from tables ---
if [ -x rlaif ]; then
    ./rlaif help reference | cmp -s - docs/reference.md || complain "docs/reference.md is not what the tables say: make docs"
else
    echo "lint: docs/reference.md was not compared: there is no ./rlaif (make all)"
fi

# --- words that have no place ---
bad=$(grep -nE '\b(rand|random)\(' -r src --include='*.[ch]')
[ -z "$bad" ] || complain "random numbers come from base/rng.h:" "$bad"
bad=$(grep -nE '\bgetenv\(' -r src --include='*.[ch]' | grep -v '^src/cli/')
[ -z "$bad" ] || complain "getenv is for src/cli only:" "$bad"
bad=$(grep -nE '\b(exp|log|log1p|tanh|sin|cos|pow|erf)f?\(' -r src --include='*.[ch]' | grep -vE '\*|//|#define|real_|v_|jinja' | grep -vE '^src/base/real|"')
[ -z "$bad" ] || complain "the C library's exp, log, ... differ between machines; base/real.h has ours:" "$bad"
bad=$(grep -nE '#pragma omp parallel' -r src --include='*.[ch]' | grep -v 'num_threads(')
[ -z "$bad" ] || complain "as many threads as were asked for, num_threads(...), not one per core:" "$bad"
bad=$(git grep -nIE '\b(TODO|FIXME|XXX)\b' -- src tests fuzz tools docs recipes '*.md' | grep -v '^tools/lint.sh')
[ -z "$bad" ] || complain "unfinished:" "$bad"
bad=$(git grep -nIE '(^|[^a-zA-Z0-9_.])/(work|root|home)/[a-z]' -- . | grep -v '^tools/lint.sh')
[ -z "$bad" ] || complain "paths of a machine:" "$bad"

[ "$found" = 0 ] && echo "lint: nothing found"
exit "$found"
