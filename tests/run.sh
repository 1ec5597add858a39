#!/usr/bin/env bash
# Runs test programs one after the other, whatever fails, and counts what cmocka says: tests, passed, failed, skipped.
# usage: tests/run.sh PROGRAM...      exit status 1 if anything failed
#
# Kernels on tiny matrices wait for each other all the time: where cores are shared, waiting threads must not spin.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
# What a user has set for other programs is not for servers on this machine, nor for these tests' output.
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY OPENAI_API_KEY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE CMOCKA_MESSAGE_OUTPUT

log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.why"' EXIT
tests=0 passed=0 failed=0 skipped=0 broken=()

# The number in a line like "[  PASSED  ] 12 test(s)."; 0 where there is none. Newer cmockas put the group's name before it.
count() {
    local n
    n=$(sed -nE "s/^\[ *$1 *\] (.*: )?(Running )?([0-9]+) test\(s\).*/\3/p" "$log" | tail -n 1)
    echo "${n:-0}"
}

for program in "$@"; do
    echo "--- ${program##*/tests/}"
    "$program" </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    all=$(count ==========) ok=$(count PASSED) bad=$(count FAILED) out=$(count SKIPPED)
    if ! grep -qE '^\[==========\] (.*: )?[0-9]+ test\(s\) run' "$log"; then # it ended in the middle
        ok=$(grep -c '^\[ *OK \]' "$log") out=$(grep -c '^\[ *SKIPPED *\]' "$log")
        all=$((all > ok + out ? all : ok + out + 1)) bad=$((all - ok - out))
        echo "${program##*/tests/}: ended in the middle, with status $status"
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then # a test's or group's own start or end, or a sanitizer at exit
        all=$((ok + out < all ? all : all + 1)) bad=$((all - ok - out))
        echo "${program##*/tests/}: ended with status $status"
    fi
    sed -n 's/^\[ *NOTE *\] skipped: //p' "$log" >>"$log.why"
    tests=$((tests + all)) passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + out))
    [ "$bad" -eq 0 ] || broken+=("${program##*/tests/}")
done

echo
[ "$skipped" -eq 0 ] || { echo "skipped:" && LC_ALL=C sort "$log.why" | uniq -c; }
[ "$failed" -eq 0 ] || printf 'failed in: %s\n' "${broken[*]}"
echo "tests $tests, passed $passed, failed $failed, skipped $skipped"
[ "$failed" -eq 0 ]
