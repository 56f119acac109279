#!/bin/sh
# Makes a small broker image out of what this machine has: its Java, its shell and Kafka's jars. Nothing is pulled.
# The result is run and configured as apache/kafka is: /etc/kafka/docker/run, KAFKA_* variables, CLUSTER_ID.
#
#   make.sh JARS TAG     JARS: folder with the jars (the cache of streams/edge/broker_local.py); TAG: name of the image
set -eu
jars=$1 tag=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM

mkdir -p "$root/bin" "$root/etc/kafka/docker" "$root/opt/kafka" "$root/tmp" "$root/usr" "$root/proc" "$root/dev"
chmod 1777 "$root/tmp"
cp -L "$jars"/*.jar "$root/opt/kafka/"

java=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")
if [ -d "$java/jmods" ] && [ -x "$java/bin/jlink" ]; then
  "$java/bin/jlink" --output "$root/opt/java" --strip-debug --no-header-files --no-man-pages \
    --add-modules java.base,java.compiler,java.desktop,java.logging,java.management,java.naming,java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql,java.xml,jdk.management,jdk.unsupported
else
  cp -RL "$java" "$root/opt/java"
fi
for program in sh sleep cat mkdir; do
  cp -L "$(command -v $program)" "$root/bin/"
done

# Every shared library that these need, at the path where the loader looks for it.
find "$root/opt/java" "$root/bin" -type f \( -perm -100 -o -name '*.so' \) -exec ldd {} + 2>/dev/null |
  grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do
  case $library in
  "$root"* | /tmp/*) ;;
  *.so*:) ;;
  *) mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library" ;;
  esac
done

cat >"$root/etc/kafka/docker/run" <<'RUN'
#!/bin/sh
# Kafka's own wrapper turns the KAFKA_* variables into server.properties and formats the storage.
set -eu
export CLUSTER_ID="${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}"
work=/tmp/kafka
mkdir -p $work/default $work/mounted $work/final
for place in default final; do
  for file in server.properties log4j2.yaml tools-log4j2.yaml; do
    : >$work/$place/$file
  done
done
/opt/java/bin/java -XX:TieredStopAtLevel=1 -cp '/opt/kafka/*' kafka.docker.KafkaDockerWrapper setup \
  --default-configs-dir $work/default --mounted-configs-dir $work/mounted --final-configs-dir $work/final
exec /opt/java/bin/java -Xmx512m -cp '/opt/kafka/*' kafka.Kafka $work/final/server.properties
RUN
chmod 755 "$root/etc/kafka/docker/run"
printf 'root:x:0:0:root:/tmp:/bin/sh\n' >"$root/etc/passwd"

tar -C "$root" -c . | docker import --change 'CMD ["/etc/kafka/docker/run"]' --change 'ENV PATH=/bin:/opt/java/bin' \
  --change 'EXPOSE 9092' - "$tag"
