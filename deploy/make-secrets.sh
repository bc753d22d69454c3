#!/bin/sh
# Draws the secrets of a deployment into a folder, once: whatever is there stays as it is.
#
#   deploy/make-secrets.sh /etc/privydrop/secrets
#
#   ticket-key       what signs the tickets of rooms; the same on every server
#   turn-secret      shared by servers and TURN relays
#   redis-password   of the user `privydrop`
#   users.acl        Redis' list of users, with the hash of that password
set -eu
umask 077

folder=${1:?"say where: deploy/make-secrets.sh FOLDER"}
example=$(dirname "$0")/redis/users.acl.example
mkdir -p "$folder"

for name in ticket-key turn-secret redis-password; do
    [ -s "$folder/$name" ] || openssl rand -hex 32 > "$folder/$name"
done
if ! [ -s "$folder/users.acl" ]; then
    hash=$(tr -d '\n' < "$folder/redis-password" | sha256sum | cut -d ' ' -f 1)
    sed "s/SHA256-OF-THE-PASSWORD/$hash/" "$example" > "$folder/users.acl"
fi
echo "$folder has: $(cd "$folder" && echo *)"
