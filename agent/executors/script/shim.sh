#!/bin/sh
# The parent of one script: sh shim.sh FOLDER PROGRAM ARGS…
# It outlives the agent, so that output and exit code are kept whatever happens to the agent. It runs in a session of its
# own and is the leader of the script's process group.

folder=$1
shift

# Whoever makes this file first decides: the script begins here, or an agent that was started again has given it up.
set -C
echo $$ 2>/dev/null >"$folder/record" || exit 1
set +C

# Caught, not ignored: what is ignored here would be ignored by the script too.
trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM

input=/dev/null
[ -e "$folder/stdin" ] && input=$folder/stdin
# In a subshell, so that what a shell says about a killed child ("Terminated") does not get into the script's stderr.
(exec "$@" <"$input" >>"$folder/stdout" 2>>"$folder/stderr")

# One write of a few bytes: a line that ends with a line end is whole.
echo $? >>"$folder/record"
