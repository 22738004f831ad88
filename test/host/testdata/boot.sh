# Becomes the first process of a machine: systemd on a file system of its own, with the programs of this machine. It runs in new
# namespaces, but for the network. Its arguments are the folder to put that file system together in, the cgroup that it is in, and
# folders of this machine that are there as well.
set -eu
root=$1 cgroup=$2
shift 2

mount --make-rprivate /
mount -t tmpfs machine "$root"
cd "$root"
mkdir dev etc opt proc root run src sys tmp usr var
for dir in bin lib lib32 lib64 sbin; do ln -s "usr/$dir" "$dir"; done
mount --rbind /usr usr
mount -o remount,bind,ro usr
mount -t tmpfs machine usr/local
mkdir -p usr/local/bin
for dir in run tmp; do mount -t tmpfs machine "$dir"; done
for dir; do
	mkdir -p "./$dir"
	mount --bind "$dir" "./$dir"
done

mount -t proc proc proc
# There are no controllers of cgroups for it, so that it leaves those of this machine alone.
head -n 1 /proc/cgroups >run/cgroups
mount --bind run/cgroups proc/cgroups
mount -t sysfs -o ro sysfs sys
if [ "$cgroup" = /sys/fs/cgroup ]; then
	mount -t cgroup2 cgroup sys/fs/cgroup
else
	mount -t tmpfs machine sys/fs/cgroup
	mkdir sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi

mount -t tmpfs -o mode=755 machine dev
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for device in full null random tty urandom zero; do
	: >"dev/$device"
	mount --bind "/dev/$device" "dev/$device"
done

# Nothing but the units in /etc: not those that set up a whole machine.
mkdir -p etc/systemd/system
for target in basic multi-user network nss-lookup shutdown sysinit; do
	printf '[Unit]\nDescription=%s\n' "$target" >"etc/systemd/system/$target.target"
done
cp usr/lib/systemd/system/systemd-journald.service usr/lib/systemd/system/systemd-journald*.socket etc/systemd/system
echo 'Wants=systemd-journald.service' >>etc/systemd/system/sysinit.target
cat >etc/passwd <<-END
	root:x:0:0::/root:/bin/sh
	systemd-resolve:x:990:990::/:/usr/sbin/nologin
	nobody:x:65534:65534::/:/usr/sbin/nologin
END
cat >etc/group <<-END
	root:x:0:
	systemd-resolve:x:990:
	systemd-journal:x:991:
	nogroup:x:65534:
END
echo 'hosts: files dns' >etc/nsswitch.conf
echo '127.0.0.1 localhost' >etc/hosts
: >etc/machine-id

exec chroot . env -i container=test PATH=/usr/local/bin:/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system \
	/usr/lib/systemd/systemd --system --unit=multi-user.target --show-status=no
