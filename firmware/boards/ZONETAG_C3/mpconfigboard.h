// The firmware's table knows the board by this name (firmware/zonetag_tag/boards.py).
#define MICROPY_HW_BOARD_NAME "Zonetag esp32-c3-supermini"
#define MICROPY_HW_MCU_NAME "ESP32C3"

// A tag has one radio, Bluetooth.  Without the network the image fits one of the two slots with room to spare.
#define MICROPY_PY_NETWORK_WLAN (0)
#define MICROPY_PY_ESPNOW (0)
#define MICROPY_HW_ENABLE_SDCARD (0)
#define MICROPY_PY_MACHINE_I2S (0)

// The flashing tool and the developer speak to the tag over the board's USB chip.
#define MICROPY_HW_ENABLE_UART_REPL (1)
