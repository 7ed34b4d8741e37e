"""A stand-in for `esp32`: NVS in a file that outlives the process, with the faults that flash has."""

import os

import world


def _path(namespace, key):
    return world.nvs_folder + "/" + namespace + "." + key


class NVS:
    """ESP-IDF writes an entry through at once; `commit` has nothing left to do."""

    def __init__(self, namespace):
        self._namespace = namespace

    def get_blob(self, key, buffer):
        try:
            with open(_path(self._namespace, key), "rb") as file:
                data = file.read()
        except OSError:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        if len(data) > len(buffer):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        world.nvs_writes += 1
        if world.nvs_fails:
            raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        torn = world.nvs_writes == world.nvs_torn_at
        with open(_path(self._namespace, key), "wb") as file:
            # A cut of the power in mid-write: the old value is gone and half of the new one is there.
            file.write(value[: len(value) // 2] if torn else value)
        if torn:
            raise world.PowerCut()

    def erase_key(self, key):
        os.remove(_path(self._namespace, key))

    def commit(self):
        if world.nvs_fails:
            raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


class Partition:
    @staticmethod
    def mark_app_valid_cancel_rollback():
        world.confirmed += 1
