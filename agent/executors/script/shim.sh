#!/bin/sh
# The parent of one script: sh shim.sh FOLDER. What to run stands in FOLDER/command.
# It outlives the agent, so that output and exit code are kept whatever happens to the agent. It is the first process of a
# session of its own, and the leader of the script's process group.

folder=$1

# Caught, not ignored: what is ignored here would be ignored by the script too.
trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM

# Whoever makes this file first decides: the script begins here, or an agent that was started again has given it up.
set -C
echo $$ 2>/dev/null >"$folder/record" || exit 1
set +C
# The agent may be gone.
echo "started $$" 2>/dev/null

input=/dev/null
[ -e "$folder/stdin" ] && input=$folder/stdin
# In a subshell, so that what a shell says about a killed child ("Terminated") does not get into the script's stderr.
(
  exec <"$input" >>"$folder/stdout" 2>>"$folder/stderr"
  . "$folder/command"
)

# One write of a few bytes: a line that ends with a line end is whole.
echo $? >>"$folder/record"
