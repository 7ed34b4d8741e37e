set(IDF_TARGET esp32c3)

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.ble
    ${MICROPY_BOARD_DIR}/../sdkconfig.power
    ${MICROPY_BOARD_DIR}/../sdkconfig.ble5
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

# Not every version of MicroPython has this file, and CMake ends at one that is missing.
if(EXISTS ${MICROPY_PORT_DIR}/boards/sdkconfig.riscv)
    list(INSERT SDKCONFIG_DEFAULTS 1 boards/sdkconfig.riscv)
endif()

# A board with a 32.768 kHz crystal: CRYSTAL=1 ./build ...
if(DEFINED ENV{CRYSTAL})
    list(APPEND SDKCONFIG_DEFAULTS ${MICROPY_BOARD_DIR}/../sdkconfig.crystal)
endif()

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/../manifest.py)
