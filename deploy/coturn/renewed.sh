#!/bin/sh
# For certbot, when there is a new certificate: gives it to those who use it and cannot read certbot's own.
#
#   certbot certonly … --deploy-hook /usr/local/sbin/privydrop-renewed
set -eu

give() {
    install -d -m 0750 -g "$2" "$1"
    for name in fullchain.pem privkey.pem; do
        install -m 0640 -g "$2" "$RENEWED_LINEAGE/$name" "$1/$name"
    done
}

if getent group turnserver > /dev/null; then
    install -d -m 0755 /etc/coturn
    give /etc/coturn/tls turnserver
    # It reads it again; relays in use go on.
    systemctl kill --signal=USR2 coturn.service 2> /dev/null || true
fi
# For servers that speak TLS themselves; they look every ten seconds.
if getent group privydrop > /dev/null; then
    give /etc/privydrop/tls privydrop
fi
systemctl reload nginx.service 2> /dev/null || true
