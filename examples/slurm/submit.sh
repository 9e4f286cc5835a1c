#!/bin/sh
# Signs a model with the machines of a Slurm cluster: a plan, an array job that hashes a slice each, and a job that merges
# and signs once all of them have succeeded.
#
#	submit.sh MODEL WORK N             plan, and hash all of the N slices
#	submit.sh MODEL WORK N INDICES     hash these slices again, such as 3,7-9: those that merging says are missing
#
# MODEL and WORK lie on storage that all machines share, WORK outside of MODEL. Flags of the command plan, such as
# --serialization-method shards, are taken from PLAN_FLAGS, and those that each step needs, such as --allow-symlinks or
# --hugging-face, from MODEL_FLAGS; what merge.sbatch needs, see there. It prints the numbers of the array job and of the
# job that merges.
set -eu
[ $# -eq 3 ] || [ $# -eq 4 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2; exit 2; }
: "${SIGN_FLAGS:?are what merge.sbatch signs with, such as: key --private-key model.key}" # and not after hashing for hours
model=$1 work=$2 n=$3 here=$(dirname "$0")
mkdir -p "$work/parts" "$work/log"
if [ $# -eq 3 ]; then
	rm -f "$work"/parts/*.json # of an earlier plan
	# shellcheck disable=SC2086 # they are several flags
	model-signing plan "$model" -n "$n" -o "$work/plan.json" ${PLAN_FLAGS:-} ${MODEL_FLAGS:-} >&2
fi
slices=$(sbatch --parsable --array="${4:-0-$((n - 1))}" --output="$work/log/slice-%a.log" "$here/slice.sbatch" "$model" "$work" "$n")
merge=$(sbatch --parsable --dependency="afterok:$slices" --kill-on-invalid-dep=yes --output="$work/log/merge.log" \
	"$here/merge.sbatch" "$model" "$work")
echo "$slices $merge"
