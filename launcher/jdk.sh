# Finds a JDK 25 or newer and puts its home into JDK_HOME. Sourced by lingyu and verify.
# Versions come from the `release` file of each JDK: starting JVMs to ask would cost a second.

lingyu_needs=25

# Keeps a JDK 25 from warning about libraries inside Maven.
maven_quiet="--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED"

say() { printf 'lingyu: %s\n' "$*" >&2; }

# Sets `version` and `feature` (its first number, 0 when there is none) to those of the Java in $1.
read_version() {
  version=
  feature=0
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 0
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      JAVA_VERSION=*)
        line=${line#JAVA_VERSION=}
        version=${line//\"/}
        feature=${version%%[!0-9]*}
        feature=${feature:-0}
        return 0
        ;;
    esac
  done <"$1/release"
}

# Keeps $1 when it is new enough and nearer to the version Lingyu is tested with than what was found before.
consider() {
  [ -x "$1/bin/javac" ] || return 0
  read_version "$1"
  [ "$feature" -ge "$lingyu_needs" ] || return 0
  if [ -z "${JDK_HOME:-}" ] || [ "$feature" -lt "$jdk_feature" ]; then
    JDK_HOME=$1
    jdk_feature=$feature
    jdk_version=$version
  fi
}

consider_toolchains() {
  [ -r "$1" ] || return 0
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      *"<jdkHome>"*"</jdkHome>"*)
        line=${line#*<jdkHome>}
        consider "${line%%</jdkHome>*}"
        ;;
    esac
  done <"$1"
}

# The JDK that `java` on the PATH belongs to.
consider_path() {
  local java link
  java=$(command -v java) || return 0
  while [ -L "$java" ]; do
    link=$(readlink "$java")
    case $link in /*) java=$link ;; *) java=${java%/*}/$link ;; esac
  done
  case $java in */bin/java) consider "${java%/bin/java}" ;; esac
}

find_jdk() {
  JDK_HOME=
  jdk_feature=0
  jdk_version=
  if [ -n "${LINGYU_JAVA_HOME:-}" ]; then
    consider "$LINGYU_JAVA_HOME"
    if [ -z "$JDK_HOME" ]; then
      say "LINGYU_JAVA_HOME is $LINGYU_JAVA_HOME, where there is no JDK $lingyu_needs or newer: point it to one or unset it."
      exit 2
    fi
    return 0
  fi
  [ -z "${JAVA_HOME:-}" ] || consider "$JAVA_HOME"
  [ -z "$JDK_HOME" ] || return 0
  consider_path
  [ -z "$JDK_HOME" ] || return 0
  local dir home=${HOME:-/nonexistent}
  for dir in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /opt/java/* /opt/*jdk* /opt/*/*jdk* \
    "$home"/.sdkman/candidates/java/* "$home"/.jdks/* "$home"/.gradle/jdks/* "$home"/.asdf/installs/java/* \
    "$home"/.local/share/mise/installs/java/* "$home"/.jenv/versions/* \
    "$home"/Library/Java/JavaVirtualMachines/*/Contents/Home /Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    consider "$dir"
  done
  consider_toolchains "$home/.m2/toolchains.xml"
  if [ -z "$JDK_HOME" ] && [ -x /usr/libexec/java_home ]; then
    dir=$(/usr/libexec/java_home -v "$lingyu_needs+" 2>/dev/null) && consider "$dir"
  fi
  if [ -z "$JDK_HOME" ]; then
    say "no JDK $lingyu_needs or newer was found: install one (for example Temurin $lingyu_needs from https://adoptium.net), or set LINGYU_JAVA_HOME to the one you have."
    exit 2
  fi
}
