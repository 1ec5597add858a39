#!/bin/sh
# A table of this machine's speed at real work, for docs/numbers.md.  usage: tools/bench.sh [MODEL]
# The rows are made from examples/; with WORK=FOLDER they are the peers' own: label_8.jsonl with label.yaml,
# reward_16.jsonl, prompts_12.jsonl, prompts_64.jsonl.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
model=${1:-models/smollm2-135m-instruct.gguf}
[ -e "$model" ] || tools/get_model smollm2
mkdir -p build
rows=$(mktemp -d build/bench.XXXXXX)
trap 'rm -rf "$rows"' EXIT INT TERM

if [ -n "${WORK:-}" ]; then
    work=$rows/work # without a blank
    ln -s "$(realpath -- "$WORK")" "$work"
    label="--input $work/label_8.jsonl --prompt $work/label.yaml"
    reward="--input $work/reward_16.jsonl --chat false"
    rl="--input $work/prompts_12.jsonl" generate="--input $work/prompts_64.jsonl"
else
    head -n 64 examples/prompts.jsonl >"$rows/prompts"
    head -n 16 examples/prompts.jsonl >"$rows/few"
    ./rlaif sample "$rows/few" --model "$model" --n 2 --max-new-tokens 48 --quiet -o "$rows/pairs"
    ./rlaif label "$rows/pairs" --model "$model" --method pointwise --prompt tone-verdict --quiet -o "$rows/labels"
    label="--input $rows/pairs --prompt helpful-base" reward="--input $rows/labels"
    rl="--input $rows/few" generate="--input $rows/prompts"
fi

./rlaif version | sed -n 's/^CPU: /CPU: /p'
date +%Y-%m-%d
echo
echo "| workload | a second | tokens a second | GFLOP/s | share of peak | peak memory | stated before |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
row() { # NAME, then the options of one measurement
    name=$1
    shift
    ./rlaif bench --quiet --json "$@" | tail -n 1 | python3 -c '
import json, sys
m, name = json.load(sys.stdin), sys.argv[1]
or_none = lambda x, f: "" if x is None else f % x
print("| %s | %.3g | %.0f | %s | %s | %.2f GB | %s |" % (name, m["items_per_s"], m["tokens_per_s"], or_none(m["gflops"], "%.0f"),
      or_none(m["share"] and 100 * m["share"], "%.0f %%"), m["peak_rss_bytes"] / 1e9, or_none(m.get("planned_bytes", 0) / 1e9 or None, "%.2f GB")))' "$name"
}
# shellcheck disable=SC2086
{
    row "products of a layer, 512 rows" --workload gemm
    row "attention, 512 tokens" --workload attention
    row "label: pairs, both orders" --workload label --model "$model" $label
    row "reward: pairs, batch 4" --workload reward --model "$model" --batch 4 $reward
    row "rl: steps of 4 x 4 x 48, group" --workload rl --model "$model" --batch 4 --samples 4 --max-new-tokens 48 $rl
    row "rl: the same, own value network" --workload rl --model "$model" --batch 4 --samples 4 --max-new-tokens 48 \
        --baseline value $rl
    row "generate: 64 responses of 48, greedy" --workload generate --greedy --model "$model" --max-new-tokens 48 $generate
}
