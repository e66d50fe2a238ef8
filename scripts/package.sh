#!/usr/bin/env bash
# Builds a package for machines without a compiler, into out/packages:
#
#   scripts/package.sh wheel    for pip: a program for each of the torch and pyarrow below, whose libraries it uses
#   scripts/package.sh deb      for Debian 12 and 13, LibTorch and Arrow included
#
# What is built on an old Debian runs on newer ones. Where glibc is newer than Debian 12's, this goes on in a Debian 12 of
# its own, which debootstrap makes in .cache/debian12 (as root; 1 GB, kept for the next time).
set -euo pipefail
cd "$(dirname "$0")/.."

torches=(2.11.0 2.12.1 2.13.0 2.14.1)  # and the one of requirements.txt
pyarrows=(25.0.1)                      # the last for Python 3.10; and the one of requirements.txt
required() { sed -n "s/^\($1==[0-9.]*\).*/\1/p" scripts/requirements.txt; }
newest_torch=$(required torch) newest_torch=${newest_torch#*==}
newest_pyarrow=$(required pyarrow) newest_pyarrow=${newest_pyarrow#*==}

case "${1:-}" in wheel | deb) ;; *) echo "usage: scripts/package.sh wheel|deb" >&2; exit 2 ;; esac
say() { echo "== $*" >&2; }

oldest_glibc=2.36
glibc=$(getconf GNU_LIBC_VERSION)
if [ "$(printf '%s\n' $oldest_glibc "${glibc#glibc }" | sort -V | tail -1)" != $oldest_glibc ]; then
  root=$PWD/.cache/debian12
  [ "$(id -u)" = 0 ] && command -v debootstrap > /dev/null ||
    { echo "$glibc is newer than $oldest_glibc: needs root and debootstrap, for a Debian 12 to build in" >&2; exit 2; }
  if [ ! -d "$root" ]; then
    say "making a Debian 12 in $root"
    rm -rf "$root.part"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root.part" > /dev/null
    mv "$root.part" "$root"
  fi
  # It reaches what this machine reaches, in the same way.
  cp /etc/resolv.conf "$root/etc/" 2> /dev/null || true
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2> /dev/null || true
  mapfile -t network < <(env | grep -E '^(PIP_|https?_proxy=|HTTPS?_PROXY=|no_proxy=|SSL_CERT|REQUESTS_CA)')
  mkdir -p "$root$PWD"
  # Mounted in a namespace of their own, which ends with the build.
  exec unshare --mount bash -c 'for folder in /proc /dev "$PWD"; do mount --rbind "$folder" "$0$folder"; done
    exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:3}" chroot "$0" bash -c "cd \"$1\" && scripts/package.sh $2"' \
    "$root" "$PWD" "$1" "${network[@]}"
fi

scripts/setup.sh --debian unzip dpkg-dev file
build=build-package log=build-package/package.log
mkdir -p $build out/packages
[ -x $build/venv/bin/python ] || python3 -m venv $build/venv

# The parts of a wheel that are needed, into a folder: the rest of torch's is over a gigabyte.
fetch() {  # FOLDER NAME==VERSION MEMBER ...
  local wheels=$build/wheels
  [ ! -f "$build/$1/$2" ] || return 0
  say "fetching $2"
  rm -rf $wheels
  $build/venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: -d $wheels "$2"
  unzip -qo $wheels/*.whl "${@:3}" -d "$build/$1"
  touch "$build/$1/$2"
  rm -rf $wheels
}

# The program for a torch and a pyarrow, to be installed with the libraries that it loads: "small", without those two's, or
# "all". One folder for every pair, for only the layers that see LibTorch or Arrow are compiled again.
build() {  # TORCH PYARROW LIBRARIES
  local library package
  fetch "torch-$1" "torch==$1" 'torch/include/*' torch/lib/lib{torch_cpu,c10}.so 'torch/lib/libgomp*' '*/licenses/*'
  fetch "torch-$1" "$(required nvidia-cuda-runtime)" '*/libcudart.so*' '*/[Ll]icense*'  # libtorch_cpu.so loads it
  fetch "torch-$1" "$(required nvidia-cuda-cupti)" '*/libcupti.so*' '*/[Ll]icense*'     # and this
  fetch "pyarrow-$2" "pyarrow==$2" 'pyarrow/include/*' pyarrow/lib{arrow,parquet}.so.* '*/licenses/*'
  say "building for torch $1 and pyarrow $2"
  rm -rf $build/licences
  mkdir -p $build/licences
  cmake -B $build -G Ninja -U 'LIBTORCH_*' -U PYARROW_INCLUDE_DIR -DLIBTORCH="$PWD/$build/torch-$1/torch" \
    -DPYARROW_DIR="$PWD/$build/pyarrow-$2/pyarrow" -DCMAKE_DISABLE_FIND_PACKAGE_Arrow=ON -DGEMTUNE_TESTS=OFF \
    -DGEMTUNE_BUNDLE="$3" -DGEMTUNE_BUNDLE_LICENCES="$PWD/$build/licences" > $log 2>&1 || { cat $log >&2; exit 1; }
  cmake --build $build >> $log 2>&1 || { tail -30 $log >&2; exit 1; }
  # The licences of what Debian's packages bring.
  ldd $build/gemtune | awk '/=> \//{print $3}' | while read -r library; do
    package=$(dpkg -S "$(realpath "$library")" 2> /dev/null | cut -d: -f1) || continue
    cp -L "/usr/share/doc/$package/copyright" "$build/licences/LICENSE.$package"
  done
}

if [ "$1" = wheel ]; then
  rm -rf $build/stages
  programs=()
  for torch in "${torches[@]}" "$newest_torch"; do
    for pyarrow in "${pyarrows[@]}" "$newest_pyarrow"; do
      build "$torch" "$pyarrow" small
      stage=$build/stages/${torch%.*}-${pyarrow%%.*}
      cmake --install $build --component program --strip --prefix "$stage" >> $log 2>&1 || { tail -30 $log >&2; exit 1; }
      LD_LIBRARY_PATH=$build/torch-$torch/torch/lib:$build/pyarrow-$pyarrow/pyarrow "$stage/bin/gemtune" --version > /dev/null
      programs+=("${torch%.*}-${pyarrow%%.*}=$stage")
    done
  done
  rm -f out/packages/*.whl
  python/make_wheel.py out/packages "${programs[@]}"
else
  build "$newest_torch" "$newest_pyarrow" all
  for licences in "$build/torch-$newest_torch"/*.dist-info "$build/pyarrow-$newest_pyarrow"/*.dist-info; do
    cp -r "$licences" "$build/licences/$(basename "$licences" .dist-info)"
  done
  strip --strip-unneeded "$build/torch-$newest_torch"/torch/lib/*.so  # 0.1 GB less
  (cd $build && cpack) >> $log 2>&1 || { tail -30 $log >&2; exit 1; }
  rm -f out/packages/*.deb
  mv $build/gemtune_*.deb out/packages/
  ls out/packages/*.deb
fi
