#!/usr/bin/env bash
# Runs test programs, as many at a time as there are cores, whatever fails, and counts what cmocka says: tests, passed, failed,
# skipped. What they print comes program by program, in their order.
# usage: tests/run.sh PROGRAM...      exit status 1 if anything failed
#
# Kernels on tiny matrices wait for each other all the time: where cores are shared, waiting threads must not spin.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
# What a user has set for other programs is not for servers on this machine, nor for these tests' output.
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY OPENAI_API_KEY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE CMOCKA_MESSAGE_OUTPUT

logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
tests=0 passed=0 failed=0 skipped=0 broken=()

# The number in a line like "[  PASSED  ] 12 test(s)."; 0 where there is none. Newer cmockas put the group's name before it.
count() {
    local n
    n=$(sed -nE "s/^\[ *$1 *\] (.*: )?(Running )?([0-9]+) test\(s\).*/\3/p" "$log" | tail -n 1)
    echo "${n:-0}"
}

# Program number N: what it prints, and its status when it has ended.
start() {
    "${programs[$1]}" </dev/null >"$logs/$1" 2>&1
    echo $? >"$logs/$1.status"
}

# What program number N said, into the counts.
settle() {
    local program=${programs[$1]} log=$logs/$1 status all ok bad out
    status=$(<"$log.status")
    echo "--- ${program##*/tests/}"
    cat "$log"
    all=$(count ==========) ok=$(count PASSED) bad=$(count FAILED) out=$(count SKIPPED)
    if ! grep -qE '^\[==========\] (.*: )?[0-9]+ test\(s\) run' "$log"; then # it ended in the middle
        ok=$(grep -c '^\[ *OK \]' "$log") out=$(grep -c '^\[ *SKIPPED *\]' "$log")
        all=$((all > ok + out ? all : ok + out + 1)) bad=$((all - ok - out))
        echo "${program##*/tests/}: ended in the middle, with status $status"
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then # a test's or group's own start or end, or a sanitizer at exit
        all=$((ok + out < all ? all : all + 1)) bad=$((all - ok - out))
        echo "${program##*/tests/}: ended with status $status"
    fi
    sed -n 's/^\[ *NOTE *\] skipped: //p' "$log" >>"$logs/why"
    tests=$((tests + all)) passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + out))
    [ "$bad" -eq 0 ] || broken+=("${program##*/tests/}")
}

programs=("$@")
started=0 running=0 settled=0 most=$(nproc)
while [ "$settled" -lt $# ]; do
    while [ "$running" -lt "$most" ] && [ "$started" -lt $# ]; do
        start "$started" &
        started=$((started + 1)) running=$((running + 1))
    done
    wait -n
    running=$((running - 1))
    while [ "$settled" -lt "$started" ] && [ -s "$logs/$settled.status" ]; do
        settle "$settled"
        settled=$((settled + 1))
    done
done

echo
[ "$skipped" -eq 0 ] || { echo "skipped:" && LC_ALL=C sort "$logs/why" | uniq -c; }
[ "$failed" -eq 0 ] || printf 'failed in: %s\n' "${broken[*]}"
echo "tests $tests, passed $passed, failed $failed, skipped $skipped"
[ "$failed" -eq 0 ]
