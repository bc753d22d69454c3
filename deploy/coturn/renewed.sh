#!/bin/sh
# For certbot, when there is a new certificate: gives it to nginx and coturn.
#
#   certbot certonly … --deploy-hook /usr/local/sbin/privydrop-renewed
set -eu

folder=/etc/coturn/tls
install -d -m 0750 -g turnserver /etc/coturn "$folder"
for name in fullchain.pem privkey.pem; do
    install -m 0640 -g turnserver "$RENEWED_LINEAGE/$name" "$folder/$name"
done
# Relays in use go on in either case.
systemctl kill --signal=USR2 coturn.service 2> /dev/null || true
systemctl reload nginx.service 2> /dev/null || true
