#!/usr/bin/env bash
# submit.sh [SBATCH OPTIONS] SCRIPT [OPTIONS OF STMGPU]: call sbatch, and tell the job where job.sh is.
set -euo pipefail
if (($# == 0)); then
  echo "use: submit.sh [SBATCH OPTIONS] slurm/SCRIPT.sbatch CATALOG --out STORE [OPTIONS OF stmgpu]" >&2
  exit 2
fi
STMGPU_SLURM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export STMGPU_SLURM_DIR
exec sbatch "$@"
