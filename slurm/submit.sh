#!/usr/bin/env bash
# submit.sh [SBATCH OPTIONS] SCRIPT [OPTIONS OF STMGPU]: call sbatch after two preparations that it leaves to the user.
set -euo pipefail
if (($# == 0)); then
  echo "use: submit.sh [SBATCH OPTIONS] slurm/SCRIPT.sbatch CATALOG --out STORE [OPTIONS OF stmgpu]" >&2
  exit 2
fi
mkdir -p logs # Slurm does not create the folder of a log, and without it a job fails silently
STMGPU_SLURM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export STMGPU_SLURM_DIR
exec sbatch "$@"
