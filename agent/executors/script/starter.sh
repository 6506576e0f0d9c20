#!/bin/sh
# Starts one script after the other: sh starter.sh SHIM. Each line of standard input names the folder of an attempt.
# A shell is small and forks fast, which the agent is not and does not. It ends when the agent closes its input or dies;
# the script that it has started lives on then.

while IFS= read -r folder; do
  setsid /bin/sh "$1" "$folder" </dev/null
  echo "ended $?"
done
