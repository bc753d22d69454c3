#!/bin/sh
# Starts coturn with turnserver.conf, the secret from a file, and what differs from machine to machine:
#
#   TURN_SECRET_FILE   the secret that the servers have, too
#   TURN_REALM         the domain
#   TURN_EXTERNAL_IP   behind a NAT: PUBLIC/PRIVATE address; otherwise empty
#   TURN_TLS           folder with fullchain.pem and privkey.pem; without them there is no TLS
#   TURN_TLS_PORT      5349, or 443 where it is free and this may listen there (CAP_NET_BIND_SERVICE)
set -eu
umask 077

here=${TURN_CONF:-/etc/coturn/turnserver.conf}
work=$(mktemp -d)
tls=${TURN_TLS:-/tls}

{
    grep -Ev '^(realm|cert|pkey|tls-listening-port)=' "$here"
    echo "realm=${TURN_REALM:-privydrop}"
    echo "static-auth-secret=$(cat "$TURN_SECRET_FILE")"
    echo "userdb=$work/users"
    echo "pidfile=$work/pid"
    if [ -r "$tls/fullchain.pem" ] && [ -r "$tls/privkey.pem" ]; then
        echo "cert=$tls/fullchain.pem"
        echo "pkey=$tls/privkey.pem"
        echo "tls-listening-port=${TURN_TLS_PORT:-5349}"
    else
        echo "no TLS: $tls has no fullchain.pem and privkey.pem that $(id -un) may read" >&2
        echo "no-tls"
    fi
    if [ -n "${TURN_EXTERNAL_IP:-}" ]; then
        echo "external-ip=$TURN_EXTERNAL_IP"
        # Members that both use this relay reach each other through its private address.
        case $TURN_EXTERNAL_IP in */*) echo "allowed-peer-ip=${TURN_EXTERNAL_IP#*/}" ;; esac
    fi
} > "$work/turnserver.conf"

exec turnserver -c "$work/turnserver.conf"
