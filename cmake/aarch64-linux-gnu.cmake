# Debian's cross compiler for 64-bit Arm, with the libraries that scripts/arm64.sh unpacks into GEMTUNE_SYSROOT, and qemu to
# run what is built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(GEMTUNE_SYSROOT "" CACHE PATH "The unpacked libraries")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GEMTUNE_SYSROOT)
list(APPEND CMAKE_FIND_ROOT_PATH ${GEMTUNE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# LibTorch and Arrow are in Python's wheels, which are given by their whole path.
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${GEMTUNE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${GEMTUNE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${GEMTUNE_SYSROOT}/usr/share/pkgconfig)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${GEMTUNE_SYSROOT}/usr/lib/aarch64-linux-gnu")
set(CMAKE_BUILD_RPATH ${GEMTUNE_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-L;/usr/aarch64-linux-gnu")
