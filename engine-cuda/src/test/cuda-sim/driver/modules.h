// Libraries of kernels and their launch.
#pragma once

void forgetModules();
