# `zonetag_power`: USER_C_MODULES of the build.
add_library(usermod_zonetag_power INTERFACE)
target_sources(usermod_zonetag_power INTERFACE ${CMAKE_CURRENT_LIST_DIR}/zonetag_power.c)
target_link_libraries(usermod INTERFACE usermod_zonetag_power)
