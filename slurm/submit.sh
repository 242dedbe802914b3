#!/usr/bin/env bash
# submit.sh [SBATCH OPTIONS] SCRIPT [OPTIONS OF STMGPU]: sbatch, after the two things that sbatch leaves to its user.
set -euo pipefail
if (($# == 0)); then
  echo "use: submit.sh [SBATCH OPTIONS] slurm/SCRIPT.sbatch CATALOG --out STORE [OPTIONS OF stmgpu]" >&2
  exit 2
fi
mkdir -p logs # Slurm does not make the folder of a log, and a job without it fails at once and says nothing
STMGPU_SLURM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export STMGPU_SLURM_DIR
exec sbatch "$@"
