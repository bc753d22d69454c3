#!/bin/sh
# Draws the secrets of a deployment into a folder, once: whatever is there stays as it is.
#
#   deploy/make-secrets.sh /etc/privydrop/secrets
#
#   ticket-key       what signs the tickets of rooms; the same on every server
#   turn-secret      shared by servers and TURN relays
#   redis-password   of the user `privydrop`
#   users.acl        Redis' list of users, with the hash of that password
#
# The folder keeps others out. The files in it can be read by whoever is let in, or is handed one of them: a program in a
# container, which runs as nobody.
set -eu
umask 022

folder=${1:?"say where: deploy/make-secrets.sh FOLDER"}
example=$(dirname "$0")/redis/users.acl.example
[ -d "$folder" ] || install -d -m 0700 "$folder"

for name in ticket-key turn-secret redis-password; do
    [ -s "$folder/$name" ] || openssl rand -hex 32 > "$folder/$name"
done
if ! [ -s "$folder/users.acl" ]; then
    hash=$(tr -d '\n' < "$folder/redis-password" | sha256sum | cut -d ' ' -f 1)
    sed "s/SHA256-OF-THE-PASSWORD/$hash/" "$example" > "$folder/users.acl"
fi
echo "$folder has: $(cd "$folder" && echo *)"
