#!/usr/bin/env bash
# A real Slurm on this one machine, for the tests of slurm/: munged, slurmctld and slurmd in a folder of their own.
#
#   tests/slurm/cluster.sh start [--nodes N] [FOLDER]   start it; prints the path to export as SLURM_CONF, nothing else
#   tests/slurm/cluster.sh status [FOLDER]              are all nodes up? Exit code 0 or 1; prints the path again
#   tests/slurm/cluster.sh stop [FOLDER]                cancel its jobs and stop it
#
#   export SLURM_CONF="$(tests/slurm/cluster.sh start)"
#   ...
#   tests/slurm/cluster.sh stop
#
# FOLDER is where configuration, keys, state and logs go. Default: the folder of SLURM_CONF if that is such a cluster,
# else (start) a new one under TMPDIR. Starting twice is starting once, and starts again what has died. A Slurm that the
# machine is part of is never touched: other configuration, other key, other socket, other ports, and the loopback
# wherever the machine allows it. Runs as root and as any other user; jobs run as the user who started it.
# N nodes (default 1) called n1, n2, ..., each a slurmd of its own with four (pretended) processors, so that jobs of two
# processors run two at a time on each. Of several nodes the last takes jobs of the partition "all" only, so that a test
# may kill it while others use the rest. Needs slurmctld, slurmd and munged (Debian: slurm-wlm munge), no systemd, no
# cgroups, no DNS.
set -euo pipefail
umask 022

readonly CLUSTER=stmgputest       # how the tests recognise a cluster of ours
readonly PATIENCE_S=60
PATH=$PATH:/usr/sbin:/sbin        # where Debian keeps the daemons

say() { printf '%s\n' "cluster.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}

ours() { grep -qs "^ClusterName=$CLUSTER\$" "$1/slurm.conf"; }

# folder_of [FOLDER]: the folder of a cluster that exists, or nothing
folder_of() {
  local folder="${1:-}"
  if [[ -z $folder && -n ${SLURM_CONF:-} ]]; then
    folder=$(dirname "$SLURM_CONF")
  fi
  if [[ -n $folder ]] && ours "$folder"; then
    (cd "$folder" && pwd -P)
  fi
}

# running DAEMON FOLDER: the process id, if the process named in the pid file is that daemon; that of a node is slurmd-n1
running() {
  local pid
  pid=$(cat "$2/run/$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ && $(cat "/proc/$pid/comm" 2>/dev/null) == "${1%%-*}" ]] || return 1
  printf '%s' "$pid"
}

# nodes FOLDER: the names of its nodes
nodes() { sed -n 's/^NodeName=\([^ ]*\) .*/\1/p' "$1/slurm.conf"; }

# any_running FOLDER: whether a daemon of Slurm runs there, with the configuration that is there
any_running() {
  local daemon
  for daemon in slurmctld $(ours "$1" && nodes "$1" | sed 's/^/slurmd-/'); do
    ! running "$daemon" "$1" >/dev/null || return 0
  done
  return 1
}

up() {
  local node
  running munged "$1" >/dev/null && running slurmctld "$1" >/dev/null || return 1
  for node in $(nodes "$1"); do
    running "slurmd-$node" "$1" >/dev/null &&
      SLURM_CONF=$1/slurm.conf timeout 20 sinfo --noheader --nodes="$node" --format=%T 2>/dev/null |
      grep -qxE 'idle|mixed|allocated' || return 1
  done
}

# free_port FIRST: a port of the loopback, from FIRST on, on which nothing answers
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    port=$((port + 1))
  done
  printf '%s' "$port"
}

launch() { # launch FOLDER DAEMON ARGS...
  local folder=$1 daemon=$2
  shift 2
  running "$daemon" "$folder" >/dev/null && return
  # the standard streams go to a file: a daemon that keeps a pipe of the caller open would keep the caller waiting
  if ! "${daemon%%-*}" "$@" </dev/null >>"$folder/log/$daemon.out" 2>&1; then
    fail "$folder" "$daemon did not start"
  fi
}

fail() { # fail FOLDER MESSAGE: with what the daemons had to say
  say "$2; the logs in $1/log end so:"
  tail -n 8 "$1"/log/* >&2 || true
  halt "$1"
  exit 1
}

halt() {
  local folder=$1 daemon pid waited
  for daemon in $(nodes "$folder" | sed 's/^/slurmd-/') slurmctld munged; do
    pid=$(running "$daemon" "$folder") || continue
    kill "$pid" 2>/dev/null || true
    for ((waited = 0; waited < 150; waited++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$folder/run/$daemon.pid"
  done
}

configure() { # configure FOLDER NODES
  local folder=$1 user host port version node names=''
  user=$(id -un 2>/dev/null) || die "user $(id -u) has no name in the password file, which Slurm needs"
  host=$(uname -n)
  host=${host%%.*}
  # Slurm can bind to all addresses, or to the one that the machine's name leads to. The loopback if it can be had; where
  # it cannot (many containers), strangers get an answer, and need our key to get a second one.
  local listen address=''
  listen='# the name of this machine leads to no loopback address, so nothing here can bind to one'
  read -r address _ < <(getent ahosts "$host") || true
  if [[ $address =~ ^(127\.|::1$) ]]; then
    listen='CommunicationParameters=NoInAddrAny,NoCtldInAddrAny'
  fi
  mkdir -p "$folder"/{state,log,run,munge}
  chmod 711 "$folder" "$folder/munge"
  if [[ ! -s $folder/munge/key ]]; then
    (umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
  fi
  port=$(free_port $((20000 + RANDOM % 10000)))
  cat >"$folder/slurm.conf" <<CONF
ClusterName=$CLUSTER
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
$listen
AuthType=auth/munge
# cred_expire: a job that is requeued waits so many seconds before it may start again (120 unless said otherwise)
AuthInfo=socket=$folder/munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
# no cgroups, no database, no mail: this has to work in any container. The defaults ask for nothing else
ProctrackType=proctrack/linuxproc
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=10
MinJobAge=3600
SlurmctldTimeout=60
SlurmdTimeout=60
InactiveLimit=0
CONF
  for ((node = 1; node <= $2; node++)); do
    port=$(free_port $((port + 1)))
    echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$port CPUs=4 RealMemory=16000 State=UNKNOWN" \
      "Weight=$((node < $2 ? 2 : 1))" # jobs of the partition all begin with the node that may be killed
    names+=,n$node
  done >>"$folder/slurm.conf"
  local common='MaxTime=INFINITE State=UP'
  echo "PartitionName=all Nodes=${names:1} $common" >>"$folder/slurm.conf"
  if (($2 > 1)); then
    names=${names%,*}
  fi
  echo "PartitionName=test Nodes=${names:1} Default=YES $common" >>"$folder/slurm.conf"
  version=$(slurmd -V | tr -dc '0-9.')
  if [[ $(printf '%s\n' 24.05 "$version" | sort -V | head -n 1) == 24.05 ]]; then
    echo 'CgroupPlugin=disabled' >"$folder/cgroup.conf"   # newer ones look for cgroups even if no plugin needs them
  fi
}

start() {
  local folder waited tool node count=''
  if [[ ${1:-} == --nodes ]]; then
    [[ ${2:-} =~ ^[1-9][0-9]?$ ]] || die "--nodes ${2:-} is not a number of nodes; use 1 to 99"
    count=$2
    shift 2
  fi
  for tool in slurmctld slurmd munged sbatch sinfo scancel; do
    command -v "$tool" >/dev/null || die "$tool is not installed (Debian, Ubuntu: apt-get install slurm-wlm munge)"
  done
  folder=$(folder_of "${1:-}")
  if [[ -n $folder && -n $count && $(nodes "$folder" | wc -l) != "$count" ]] && any_running "$folder"; then
    die "the cluster in $folder has another number of nodes; stop it first"
  fi
  if [[ -n $folder ]] && up "$folder"; then
    printf '%s\n' "$folder/slurm.conf"
    return
  fi
  if [[ -z $folder ]]; then
    if [[ -n ${1:-} ]]; then
      mkdir -p "$1"
      [[ -z $(ls -A "$1") ]] || die "$1 is neither empty nor the folder of such a cluster"
      folder=$(cd "$1" && pwd -P)
    else
      folder=$(mktemp -d -t stmgpu-slurm.XXXXXX)
      touch "$folder/.temporary"
    fi
  fi
  # Slurm separates by white space, commas and equals signs; a UNIX socket's path has at most 107 characters
  [[ $folder =~ ^/[A-Za-z0-9_./+-]+$ ]] || die "the path $folder has characters that Slurm's configuration cannot hold"
  ((${#folder} < 90)) || die "the path $folder is too long for a socket; choose a folder with a shorter one"
  if ! any_running "$folder"; then
    configure "$folder" "${count:-1}"
  fi
  # --force: as root, or in a folder that others may write to, munged would refuse rather than warn
  launch "$folder" munged --force --num-threads=2 --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
    --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed"
  launch "$folder" slurmctld -f "$folder/slurm.conf"
  for node in $(nodes "$folder"); do
    launch "$folder" "slurmd-$node" -N "$node" -f "$folder/slurm.conf"
  done
  for ((waited = 0; waited < PATIENCE_S * 5; waited++)); do
    if up "$folder"; then
      say "up in $folder"
      printf '%s\n' "$folder/slurm.conf"
      return
    fi
    sleep 0.2
  done
  SLURM_CONF=$folder/slurm.conf timeout 20 scontrol show node >&2 || true
  fail "$folder" "the nodes were not ready within $PATIENCE_S s"
}

stop() {
  local folder waited
  folder=$(folder_of "${1:-}")
  [[ -n $folder ]] || die "no such cluster: name its folder, or set SLURM_CONF"
  export SLURM_CONF=$folder/slurm.conf
  if up "$folder"; then
    # job steps survive their slurmd, so they have to be gone first
    timeout 20 scancel --full --signal=KILL --user="$(id -un)" >/dev/null 2>&1 || true
    timeout 20 scancel --user="$(id -un)" >/dev/null 2>&1 || true
    for ((waited = 0; waited < 100; waited++)); do
      [[ -n $(timeout 20 squeue --noheader 2>/dev/null) ]] || break
      sleep 0.2
    done
  fi
  halt "$folder"
  if [[ -e $folder/.temporary ]]; then
    rm -rf -- "$folder"
  fi
}

status() {
  local folder
  folder=$(folder_of "${1:-}")
  [[ -n $folder ]] || die "no such cluster: name its folder, or set SLURM_CONF"
  up "$folder" || die "the cluster in $folder is not running"
  printf '%s\n' "$folder/slurm.conf"
}

case "${1:-}" in
  start | stop | status) "$@" ;;
  *)
    say "use: cluster.sh start [--nodes N] [FOLDER] | status [FOLDER] | stop [FOLDER]"
    exit 2
    ;;
esac
