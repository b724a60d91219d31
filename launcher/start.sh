# Sets what libtorch and glibc read when a process starts, then hands over to Java. Sourced by lingyu and by the packaged
# bin/lingyu; a JVM cannot change its own environment, so it has to happen here.

# Physical cores this process may use: oneDNN and OpenMP lose speed on a core's second thread.
count_cores() {
  cores=
  case ${OSTYPE:-} in
    darwin*) cores=$(sysctl -n hw.perflevel0.physicalcpu 2>/dev/null || sysctl -n hw.physicalcpu 2>/dev/null) || cores= ;;
    *)
      local file siblings seen=" " allowed quota= period=
      cores=0
      for file in /sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list; do
        [ -r "$file" ] && IFS= read -r siblings <"$file" || continue
        case $seen in *" $siblings "*) ;; *)
          seen="$seen$siblings "
          cores=$((cores + 1))
          ;;
        esac
      done
      allowed=$(nproc 2>/dev/null) || allowed=1
      [ "$cores" -gt 0 ] && [ "$cores" -le "$allowed" ] || cores=$allowed
      # A container's limit, in microseconds of processor time per period.
      [ ! -r /sys/fs/cgroup/cpu.max ] || read -r quota period </sys/fs/cgroup/cpu.max || true
      case $quota in '' | max | *[!0-9]*) ;; *)
        local limit=$(((quota + ${period:-100000} - 1) / ${period:-100000}))
        [ "$cores" -le "$limit" ] || cores=$limit
        ;;
      esac
      ;;
  esac
  [ "${cores:-0}" -ge 1 ] || cores=1
}

set_environment() {
  # Where no locale is set (containers, cron) Java would read Chinese arguments and file names as ASCII.
  case ${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} in
    C | POSIX) export LC_ALL=C.UTF-8 ;;
  esac
  if [ -z "${OMP_NUM_THREADS:-}" ]; then
    count_cores
    export OMP_NUM_THREADS=$cores
  fi
  export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-2000}
  export RUST_FLAVOR=${RUST_FLAVOR:-cpu}
  # Keep freed tensors in the process: returned to the kernel they come back zeroed, 4 KiB at a time, and that was half of
  # a training step. Other C libraries ignore the variable, but their messages about it would only confuse.
  case ${OSTYPE:-} in
    linux-gnu*)
      case ${GLIBC_TUNABLES:-} in
        *glibc.malloc.*) ;;
        *) export GLIBC_TUNABLES=${GLIBC_TUNABLES:+$GLIBC_TUNABLES:}glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736 ;;
      esac
      ;;
  esac
}

# Native libraries are unpacked from the jars once: below the home folder where that can be written, in the places that
# JavaCPP and DJL use anyway. Said explicitly, because a container's user may have a HOME and no entry in /etc/passwd.
choose_cache() {
  local cache=${LINGYU_CACHE_DIR:-} javacpp djl
  if [ -z "$cache" ] && [ -n "${HOME:-}" ] && [ -w "$HOME" ]; then
    javacpp=$HOME/.javacpp/cache
    djl=$HOME/.djl.ai
  else
    cache=${cache:-${TMPDIR:-/tmp}/lingyu-$(id -u)}
    if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
      printf 'lingyu: cannot write to %s, where native libraries have to be unpacked: set LINGYU_CACHE_DIR to a folder you can write to.\n' "$cache" >&2
      exit 2
    fi
    cache=$(cd "$cache" && pwd -P)
    javacpp=$cache/javacpp
    djl=$cache/djl
  fi
  export DJL_CACHE_DIR=${DJL_CACHE_DIR:-$djl}
  cache_flag=-Dorg.bytedeco.javacpp.cachedir=$javacpp
}

# The JVM says "Using incubator modules" on standard error before any of our code runs, and has no flag against it. So it
# starts with a standard error that drops this line; Lingyu goes on with the real one, which stays open as number 3.
hide_incubator_warning() {
  { : >&2; } 2>/dev/null || exec 2>/dev/null # started with standard error closed
  exec 3>&2 2> >(
    trap '' INT TERM HUP
    while IFS= read -r line; do
      case $line in
        "WARNING: Using incubator modules"*) break ;;
      esac
      printf '%s\n' "$line"
    done >&3
    exec cat >&3
  )
}

# The JVM's AOT cache (JEP 483, 514) holds our classes parsed and linked and saves a third of a start that loads libtorch. One
# run of `doctor` in the background records it, once per build; a cache that doesn't fit the jars or the JVM is ignored by it.
use_fast_start() {
  fast_flags=()
  local app=$1 state=$2 cache=$2/start-$jdk_version.aot
  [ "${LINGYU_FAST_START:-yes}" = yes ] || return 0
  if [ -f "$cache" ] && [ ! "$app/lingyu.jar" -nt "$cache" ]; then
    # A heap or collector set in LINGYU_JVM_OPTS may not fit the cache: that costs time, not a message.
    fast_flags=("-XX:AOTCache=$cache" "-Xlog:aot*=off" "-Xlog:cds*=off")
    return 0
  fi
  mkdir -p "$state" 2>/dev/null && [ -w "$state" ] || return 0
  # The folder stays behind when recording fails: it is not tried again before the next build.
  mkdir "$cache.recording" 2>/dev/null || return 0
  (
    trap '' INT HUP
    nice -n 19 "$JDK_HOME/bin/java" "${flags[@]}" "$cache_flag" -XX:AOTCacheOutput="$cache.recording/aot" \
      -cp "$app/lingyu.jar" dev.lingyu.cli.Main doctor
    [ ! -s "$cache.recording/aot" ] || { mv -f "$cache.recording/aot" "$cache" && rm -rf "$cache.recording"; }
  ) </dev/null >/dev/null 2>&1 3>&- &
}

# start_lingyu APP STATE ARGS…: APP holds lingyu.jar and lib/, STATE is a folder for the start-up cache (may be unwritable).
start_lingyu() {
  local app=$1 state=$2
  shift 2
  set_environment
  choose_cache
  # shellcheck disable=SC2206
  local more=(${LINGYU_JVM_OPTS:-})
  local flags=(
    --add-modules jdk.incubator.vector
    --enable-native-access=ALL-UNNAMED
    --add-opens java.base/java.io=ALL-UNNAMED
    -Dorg.bytedeco.javacpp.maxPhysicalBytes=0
    -Dorg.bytedeco.javacpp.maxBytes=0
    -Dorg.bytedeco.javacpp.logger=slf4j
    -Dai.djl.offline=true
    "-Dlingyu.home=$LINGYU_HOME"
  )
  use_fast_start "$app" "$state"
  local terminal=
  [ ! -t 1 ] || terminal=out
  [ ! -t 2 ] || terminal=$terminal,err
  hide_incubator_warning
  exec "$JDK_HOME/bin/java" "${flags[@]}" "$cache_flag" ${fast_flags[@]+"${fast_flags[@]}"} \
    "-Dlingyu.terminal=$terminal" -Dlingyu.stderr=3 ${more[@]+"${more[@]}"} -cp "$app/lingyu.jar" dev.lingyu.cli.Main "$@"
}
