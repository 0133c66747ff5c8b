# shellcheck shell=sh
# Read by start.sh: finds the certificate that somebody has given, or makes one.
#
# One that is made comes from an authority of its own, because phones trust nothing less: their
# lists take authorities only, and Firefox refuses an authority as a server. It stays when the
# server's certificate is renewed, so that nobody has to trust it again, and it is good for
# TLS_NAMES alone (RFC 5280, 4.2.1.10): who steals it can play no other site.

# Apple's devices refuse servers' certificates that are made for longer.
SERVER_DAYS=825
AUTHORITY_DAYS=3650
# One that ends earlier is made anew at a start.
RENEW_SECONDS=$((30 * 86400))

# For the names $1; sets $certificate and $key.
choose_certificate() {
  names=$1
  certificate=$SECRETS/tls_certificate
  key=$SECRETS/tls_key
  # /dev/null in their place: not given.
  if [ -s "$certificate" ] && [ -s "$key" ]; then
    check_given
  elif [ -s "$certificate" ]; then
    half_given tls_certificate tls_key
  elif [ -s "$key" ]; then
    half_given tls_key tls_certificate
  else
    own_certificate
  fi
}

half_given() {
  fail "there is $SECRETS/$1, but $SECRETS/$2 is missing or empty: give the certificate and its" \
    "key, or none of the two for one that is made here"
}

# Do the certificate of the file $1 and the key of the file $2 belong together?
are_a_pair() {
  public=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || return 1
  [ "$public" = "$(openssl pkey -in "$2" -pubout -passin pass: 2>/dev/null)" ]
}

# Never falls back to one that is made here: who gave one shall learn that it does not work.
check_given() {
  for file in "$certificate" "$key"; do
    [ -f "$file" ] || fail "$file is no file: Docker makes a folder where a file is missing on the" \
      "host; remove that folder and put the file there"
    [ -r "$file" ] || fail "$file cannot be read by user $(id -u): on the host, copy the file into" \
      "compose/secrets/, and give the copy to that user: sudo chown $(id -u) FILE && sudo chmod" \
      "400 FILE"
  done
  openssl x509 -in "$certificate" -noout 2>/dev/null \
    || fail "$certificate is no certificate in PEM form (-----BEGIN CERTIFICATE-----): one in DER" \
      "form becomes one by: openssl x509 -inform der -in FILE -out FILE.pem"
  ! grep -q ENCRYPTED "$key" \
    || fail "$key is locked by a passphrase, and nobody is here to type it: unlock a copy by:" \
      "openssl pkey -in FILE -out FILE.unlocked"
  openssl pkey -in "$key" -noout -passin pass: 2>/dev/null \
    || fail "$key is no key in PEM form (-----BEGIN PRIVATE KEY-----): is it another file?"
  are_a_pair "$certificate" "$key" \
    || fail "$certificate and $key do not belong together: give the key that the certificate was" \
      "made for, and of a chain the server's certificate first"
  openssl x509 -in "$certificate" -noout -checkend 0 >/dev/null \
    || say "$certificate has expired, and browsers will refuse it: renew it, put it in its place," \
      "and start this container again"
}

own_certificate() {
  stamp="netmonitor proxy, TLS_NAMES: $names"
  authority=$CERTIFICATES/authority.pem
  server=$CERTIFICATES/server.pem
  if ! [ -d "$CERTIFICATES" ] || ! [ -w "$CERTIFICATES" ]; then
    fail "user $(id -u) cannot write to $CERTIFICATES, where the certificate is kept: mount a" \
      "volume there that belongs to this user, or give a certificate of your own"
  fi
  is_good "$authority" || make_authority
  is_good "$server" || make_server
  # For browsers and phones; the other files hold keys.
  openssl x509 -in "$authority" -out "$CERTIFICATES/authority.crt.part"
  chmod 644 "$CERTIFICATES/authority.crt.part"
  mv "$CERTIFICATES/authority.crt.part" "$CERTIFICATES/authority.crt"
  certificate=$server
  key=$server
}

# Is it for these names, for a while to come, signed by the authority, and whole?
is_good() {
  [ -s "$1" ] && [ "$(head -n 1 "$1")" = "$stamp" ] \
    && openssl x509 -in "$1" -noout -checkend "$RENEW_SECONDS" >/dev/null 2>&1 \
    && openssl verify -CAfile "$authority" "$1" >/dev/null 2>&1 \
    && are_a_pair "$1" "$1"
}

make_authority() {
  # The date tells apart several of them in a phone's list.
  make "$authority" "netmonitor authority of $(date -u +%F)" authority "$AUTHORITY_DAYS"
  say "an authority was made for $names: browsers and phones can be told to trust" \
    "$CERTIFICATES/authority.crt"
}

make_server() {
  make "$server" 'netmonitor proxy' server "$SERVER_DAYS" -CA "$authority" -CAkey "$authority"
  say "a certificate was made for $names"
}

# make FILE NAME SECTION DAYS [SIGNER]: a key and its certificate in one file, which is there
# whole or not at all. Its first line says whom it is for; what reads PEM skips such lines.
make() {
  file=$1
  subject=$2
  section=$3
  days=$4
  shift 4
  write_extensions
  if ! openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -batch \
    -config "$WORK/openssl.cnf" -extensions "$section" -subj "/CN=$subject" -days "$days" "$@" \
    -keyout "$WORK/made.key" -out "$WORK/made.crt" 2>"$WORK/openssl.log"; then
    cat "$WORK/openssl.log" >&2
    fail "openssl could not make a certificate for TLS_NAMES ($names), see above"
  fi
  {
    echo "$stamp"
    cat "$WORK/made.key" "$WORK/made.crt"
  } >"$file.part"
  rm "$WORK/made.key" "$WORK/made.crt"
  mv "$file.part" "$file"
  is_good "$file" || fail "the certificate that openssl made for TLS_NAMES ($names) does not hold:" \
    "$(openssl verify -CAfile "$authority" "$file" 2>&1 | tr '\n' ' ')"
}

# What certificates say about themselves.
write_extensions() {
  wanted=''
  # Neither name nor address is anybody's. With one of each kind there is none of that kind but
  # those that are listed.
  allowed='permitted;DNS.0 = invalid
permitted;IP.0 = 0.0.0.0/255.255.255.255'
  number=0
  for name in $names; do
    number=$((number + 1))
    case $name in
      *:*)
        wanted="${wanted}IP.$number = $name
"
        allowed="$allowed
permitted;IP.$number = $name/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        ;;
      *[!0-9.]*)
        wanted="${wanted}DNS.$number = $name
"
        allowed="$allowed
permitted;DNS.$number = ${name#\*.}"
        ;;
      *)
        wanted="${wanted}IP.$number = $name
"
        allowed="$allowed
permitted;IP.$number = $name/255.255.255.255"
        ;;
    esac
  done
  cat >"$WORK/openssl.cnf" <<CONFIG
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
nameConstraints = critical, @allowed
[allowed]
$allowed
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = @wanted
[wanted]
$wanted
CONFIG
}
