// `zonetag_power`: what the stock port of MicroPython does not reach, three functions.  Only firmware/zonetag_tag/board.py
// imports it.  Not compiled and not run in this project's tests: there is no ESP-IDF and no ESP32 in them.
//
//   light_sleep(mhz)   allow automatic light sleep; the CPU runs at most at `mhz`
//   sleep_ms(ms)       block the task, so that the chip may sleep
//   reset_reason()     esp_reset_reason(): 1 power on, 3 software, 4 panic, 5 to 7 watchdogs, 8 deep sleep, 9 brown-out

#include "esp_pm.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "mphalport.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"

#define XTAL_MHZ (40)
// The interpreter's own duties (a button's interrupt, Ctrl-C) wait no longer than this.
#define CHUNK_MS (1000)

static mp_obj_t light_sleep(mp_obj_t mhz) {
    esp_pm_config_t config = {
        .max_freq_mhz = mp_obj_get_int(mhz),
        .min_freq_mhz = XTAL_MHZ,
        .light_sleep_enable = true,
    };
    check_esp_err(esp_pm_configure(&config));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(light_sleep_obj, light_sleep);

// time.sleep_ms of the port waits tick by tick (ulTaskNotifyTake with a timeout of one tick), which is shorter than
// CONFIG_FREERTOS_IDLE_TIME_BEFORE_SLEEP: with it the chip never sleeps.
static mp_obj_t sleep_ms(mp_obj_t ms) {
    mp_int_t left = mp_obj_get_int(ms);
    while (left > 0) {
        mp_int_t some = left < CHUNK_MS ? left : CHUNK_MS;
        MP_THREAD_GIL_EXIT();
        vTaskDelay(pdMS_TO_TICKS(some));
        MP_THREAD_GIL_ENTER();
        mp_handle_pending(true);
        left -= some;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(sleep_ms_obj, sleep_ms);

static mp_obj_t reset_reason(void) {
    return MP_OBJ_NEW_SMALL_INT(esp_reset_reason());
}
static MP_DEFINE_CONST_FUN_OBJ_0(reset_reason_obj, reset_reason);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_zonetag_power) },
    { MP_ROM_QSTR(MP_QSTR_light_sleep), MP_ROM_PTR(&light_sleep_obj) },
    { MP_ROM_QSTR(MP_QSTR_sleep_ms), MP_ROM_PTR(&sleep_ms_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset_reason), MP_ROM_PTR(&reset_reason_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t zonetag_power_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_zonetag_power, zonetag_power_module);
