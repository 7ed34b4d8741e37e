set(IDF_TARGET esp32)

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.ble
    ${MICROPY_BOARD_DIR}/../sdkconfig.power
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

# A board with a 32.768 kHz crystal: CRYSTAL=1 ./build ...
if(DEFINED ENV{CRYSTAL})
    list(APPEND SDKCONFIG_DEFAULTS ${MICROPY_BOARD_DIR}/../sdkconfig.crystal)
endif()

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/../manifest.py)
