# SPDX-License-Identifier: MIT
# shellcheck shell=sh
build()
{
	eval "${opt_script:?}"
}
