@echo off
rem Starts Lingyu on Windows: finds a JDK 25 or newer, builds on first use, then hands over to Java.
rem After changing sources, delete cli\target\lingyu.jar to have it built again.
setlocal enabledelayedexpansion
set "LINGYU_HOME=%~dp0"
if "%LINGYU_HOME:~-1%"=="\" set "LINGYU_HOME=%LINGYU_HOME:~0,-1%"

set "JDK="
if defined LINGYU_JAVA_HOME call :consider "%LINGYU_JAVA_HOME%"
if not defined JDK if defined JAVA_HOME call :consider "%JAVA_HOME%"
for /d %%d in ("%ProgramFiles%\Eclipse Adoptium\*" "%ProgramFiles%\Java\*" "%ProgramFiles%\Microsoft\jdk*" "%ProgramFiles%\Zulu\*" "%ProgramFiles%\Amazon Corretto\*" "%USERPROFILE%\.jdks\*" "%USERPROFILE%\.sdkman\candidates\java\*") do if not defined JDK call :consider "%%~d"
if not defined JDK (
  echo lingyu: no JDK 25 or newer was found: install one, for example Temurin 25 from https://adoptium.net, or set LINGYU_JAVA_HOME to the one you have.>&2
  exit /b 2
)

if not exist "%LINGYU_HOME%\cli\target\lingyu.jar" (
  where mvn >nul 2>nul || (
    echo lingyu: Maven is needed to build Lingyu the first time: install Maven 3.8 or newer.>&2
    exit /b 2
  )
  echo lingyu: building, which takes a few minutes the first time ...>&2
  pushd "%LINGYU_HOME%"
  set "JAVA_HOME=!JDK!"
  call mvn -B -ntp -Papp -Dspotless.check.skip=true package 1>&2
  set "BUILT=!errorlevel!"
  popd
  if not "!BUILT!"=="0" (
    echo lingyu: the build failed; the reason is above.>&2
    exit /b 1
  )
)

if not defined OMP_NUM_THREADS set "OMP_NUM_THREADS=%NUMBER_OF_PROCESSORS%"
if not defined RUST_FLAVOR set "RUST_FLAVOR=cpu"
set "CACHE_FLAG="
if defined LINGYU_CACHE_DIR set CACHE_FLAG="-Dorg.bytedeco.javacpp.cachedir=%LINGYU_CACHE_DIR%"
if defined LINGYU_CACHE_DIR if not defined DJL_CACHE_DIR set "DJL_CACHE_DIR=%LINGYU_CACHE_DIR%\djl"
"%JDK%\bin\java.exe" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.logger=slf4j -Dai.djl.offline=true "-Dlingyu.home=%LINGYU_HOME%" %CACHE_FLAG% %LINGYU_JVM_OPTS% -cp "%LINGYU_HOME%\cli\target\lingyu.jar" dev.lingyu.cli.Main %*
exit /b %errorlevel%

:consider
if not exist "%~1\bin\javac.exe" exit /b 0
if not exist "%~1\release" exit /b 0
for /f "tokens=2 delims==" %%v in ('findstr /b "JAVA_VERSION=" "%~1\release"') do (
  for /f "tokens=1 delims=.-+" %%f in ("%%~v") do if %%f GEQ 25 set "JDK=%~1"
)
exit /b 0
