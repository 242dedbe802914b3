# shellcheck shell=bash
# Shared by the batch scripts of this folder: the command for stmgpu, and requeueing at the time limit.
# Nothing is downloaded and nothing is evaluated: arguments reach stmgpu exactly as they were given to sbatch.
set -euo pipefail

# STMGPU_IMAGE: an Apptainer image that holds stmgpu (slurm/stmgpu.def). STMGPU: the command itself, if not on the PATH.
if [[ -n ${STMGPU_IMAGE:-} ]]; then
  stmgpu=(apptainer exec)
  if [[ -e /dev/nvidia0 ]]; then # whether the node has GPUs; Slurm says which of them are the job's
    stmgpu+=(--nv)
  fi
  stmgpu+=("$STMGPU_IMAGE" stmgpu)
else
  stmgpu=("${STMGPU:-stmgpu}")
fi
if ! command -v "${stmgpu[0]}" >/dev/null; then
  echo "${stmgpu[0]} is not on the PATH of this node. Submit from the environment in which stmgpu is installed, or set" \
    "STMGPU to the command's path, or STMGPU_IMAGE to an Apptainer image" >&2
  exit 2
fi

# options of stmgpu itself come before its subcommand, which arguments of the script cannot reach
if [[ -n ${STMGPU_LOG_JSON:-} ]]; then
  stmgpu+=(--log-json)
fi

# run_or_requeue COMMAND ARGUMENTS...: run it as the only child of the job, and end the job with the same outcome.
#
# Slurm sends USR1 to this shell before the time limit (#SBATCH --signal=B:USR1@...), and bash does not forward
# signals. stmgpu then finishes the current tile and exits with 75, and the job requeues itself.
run_or_requeue() {
  local child='' told='' again code=0
  trap 'told=1; again=1; [[ -z $child ]] || kill -USR1 "$child" 2>/dev/null || true' USR1
  trap 'again=1; [[ -z $child ]] || kill -TERM "$child" 2>/dev/null || true' TERM
  printf '%s job %s on %s, restart %s:' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(job_id)" "$(uname -n)" \
    "${SLURM_RESTART_COUNT:-0}" >&2
  printf ' %q' "$@" >&2
  echo >&2
  "$@" </dev/null &
  child=$!
  if [[ -n $told ]]; then
    kill -USR1 "$child" 2>/dev/null || true
  fi
  # a trapped signal ends the wait and not the child, so its code is the one of a wait that no signal ended
  again=1
  while [[ -n $again ]]; do
    again=''
    code=0
    wait "$child" || code=$?
  done
  # 138: USR1 came before stmgpu listened to it. It had not begun a tile, so this is 75 all the same.
  if ((code == 75)) || [[ -n $told && $code == 138 ]]; then
    requeue
  fi
  exit "$code"
}

# Id of this task. Within an array, SLURM_JOB_ID of the last task is also the id of the whole array, and requeueing that
# would restart the tasks that are still running.
job_id() {
  if [[ -n ${SLURM_ARRAY_JOB_ID:-} ]]; then
    printf '%s_%s' "$SLURM_ARRAY_JOB_ID" "$SLURM_ARRAY_TASK_ID"
  else
    printf '%s' "${SLURM_JOB_ID:-none}"
  fi
}

requeue() {
  trap '' TERM USR1 # requeueing signals the job that it takes back
  if scontrol requeue "$(job_id)"; then
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) job $(job_id) is back in the queue and will go on where it stopped" >&2
    exit 0
  fi
  echo "job $(job_id) could not be requeued. Submit the same command again: it does only what is missing" >&2
  exit 75
}
