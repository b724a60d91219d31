# Builds Lingyu with Maven into cli/target when there is no build yet or a source file changed since. Sourced by lingyu.
# The stamp cli/target/lingyu.stamp holds what was built (a checksum and the Maven options); its time is when that build began.

build_if_needed() {
  cd_home_and build_is_current && return 0
  mkdir -p "$LINGYU_HOME/.lingyu" 2>/dev/null || {
    say "cannot write to $LINGYU_HOME, where Lingyu has to be built once: build it as a user who can, or use the packaged archive."
    exit 1
  }
  lock_build
  # Another process may have built while this one waited for the lock.
  if ! cd_home_and build_is_current && ! cd_home_and same_sources; then
    cd_home_and run_build
  fi
  unlock_build
}

cd_home_and() {
  local back=$PWD status=0
  cd "$LINGYU_HOME"
  "$@" || status=$?
  cd "$back" 2>/dev/null || true
  return $status
}

sources="pom.xml */pom.xml */src/main"
stamp=cli/target/lingyu.stamp

build_is_current() {
  [ -f $stamp ] && [ -f cli/target/lingyu.jar ] || return 1
  local options=
  IFS= read -r options <$stamp || true
  [ "$options" = "options ${LINGYU_MAVEN_OPTS:-}" ] || return 1
  # Folders count too: their time changes when a file in them is deleted.
  [ -z "$(find $sources -newer $stamp -print -quit 2>/dev/null || find $sources -newer $stamp -print)" ]
}

checksum() { find $sources -type f -print | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum; }

# True when only file times changed (a branch switched and back): the build is as good as new.
same_sources() {
  [ -f $stamp ] && [ -f cli/target/lingyu.jar ] || return 1
  describe_build "$(checksum)" | cmp -s - $stamp || return 1
  touch $stamp
}

describe_build() { printf 'options %s\nsources %s\n' "${LINGYU_MAVEN_OPTS:-}" "$1"; }

lock_build() {
  local lock=$LINGYU_HOME/.lingyu/build.lock told=
  if command -v flock >/dev/null 2>&1; then
    exec 9>>"$lock"
    flock -n 9 && return 0
    say "another process is building Lingyu here; waiting for it."
    flock 9
    return 0
  fi
  until mkdir "$lock.d" 2>/dev/null; do
    local owner=
    IFS= read -r owner <"$lock.d/pid" 2>/dev/null || true
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$lock.d"
      continue
    fi
    [ -n "$told" ] || say "another process is building Lingyu here; waiting for it."
    told=yes
    sleep 1
  done
  echo $$ >"$lock.d/pid"
  trap 'rm -rf "$LINGYU_HOME/.lingyu/build.lock.d"' EXIT
}

unlock_build() {
  if command -v flock >/dev/null 2>&1; then
    exec 9>&-
  else
    rm -rf "$LINGYU_HOME/.lingyu/build.lock.d"
    trap - EXIT
  fi
}

run_build() {
  command -v mvn >/dev/null 2>&1 || {
    say "Maven is needed to build Lingyu the first time: install Maven 3.8 or newer (for example 'apt-get install maven' or 'brew install maven')."
    exit 2
  }
  local log=.lingyu/build.log begun=.lingyu/build.begun sum started=$SECONDS status=0
  sum=$(checksum)
  describe_build "$sum" >$begun
  say "building with JDK $jdk_feature ($JDK_HOME); the log is $LINGYU_HOME/$log"
  # The profile `app` leaves the tests out, and with them what only tests download.
  # shellcheck disable=SC2086
  JAVA_HOME=$JDK_HOME MAVEN_OPTS="${MAVEN_OPTS:-} $maven_quiet" mvn -B -Papp -Dspotless.check.skip=true package ${LINGYU_MAVEN_OPTS:-} </dev/null 2>&1 \
    | show_progress "$log" || status=$?
  if [ "$status" -ne 0 ]; then
    explain_failure "$log"
    exit 1
  fi
  mv $begun $stamp
  rm -rf .lingyu/start-*.aot .lingyu/start-*.aot.recording
  say "built in $((SECONDS - started)) s."
}

# Copies Maven's output to the log $1 and tells, in a line that renews itself on a terminal, how far the build is.
show_progress() {
  local line module= step= downloads=0 file= fresh=
  : >"$1"
  while true; do
    line=
    local read_status=0
    IFS= read -r -t 1 line || read_status=$?
    if [ $read_status -eq 0 ]; then
      printf '%s\n' "$line" >&8
      case $line in
        *"Building "*"["*/*"]")
          module=${line#*Building }
          module=${module%% *}
          step=${line##*\[}
          step=${step%\]}
          [ -t 2 ] || say "  module ${step%/*} of ${step#*/}: $module"
          ;;
        *"Downloading from "*)
          file=${line##*/}
          case $file in
            *-linux-x86_64*.jar | *-macosx-*.jar | *-windows-*.jar) [ -t 2 ] || say "  downloading $file (large)" ;;
          esac
          ;;
        *"Downloaded from "*)
          downloads=$((downloads + 1))
          file=
          [ -t 2 ] || [ $((downloads % 100)) -ne 0 ] || say "  $downloads files downloaded"
          ;;
        "[INFO] --- "* | "[INFO] "*":"*" @ "*) ;;
        *) [ -n "$line" ] || continue ;;
      esac
    elif [ $read_status -le 128 ]; then
      break # end of input; above 128 the second passed without a line
    fi
    if [ -t 2 ] && { [ "$fresh" != "$SECONDS-$step" ]; }; then
      fresh=$SECONDS-$step
      printf '\r\033[Klingyu:   %d s%s, %d files downloaded%s' "$((SECONDS - started))" \
        "${step:+, module ${step%/*} of ${step#*/}: $module}" "$downloads" "${file:+, now ${file:0:60}}" >&2
    fi
  done 8>>"$1"
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

explain_failure() {
  if grep -qE 'Could not transfer artifact|Could not resolve|Unknown host|Network is unreachable|Connection (timed out|refused)|in offline mode|Non-resolvable' "$1"; then
    local what
    what=$(grep -oE '(artifact|Could not find artifact|download the artifact) [A-Za-z0-9_.:-]+:[A-Za-z0-9_.:-]+' "$1" | head -n 1 | sed 's/.* //')
    say "the build could not download ${what:-what it needs}: the first build needs a network or a mirror of Maven Central (set one in ~/.m2/settings.xml); where there is neither, use the packaged archive. Details: $LINGYU_HOME/$1"
    return 0
  fi
  say "the build failed; the end of $LINGYU_HOME/$1:"
  grep -E '^\[ERROR\]' "$1" | head -n 20 >&2 || true
  tail -n 5 "$1" >&2
}
