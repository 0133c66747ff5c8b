# shellcheck shell=sh
# What happens to the line, one function each; sourced by play. All begin with the session up and
# end so. What must be said of each is in tests/src/lab/expected.rs, under the same name.

# The session is up again, the outage is told: its end is known once answers came for five seconds.
outages=0
see_outage_end() {
  outages=$((outages + 1))
  await 60 has_told outage_end "$outages"
}

session_is_up() {
  ip -n cli address show dev pppoe-wan 2>/dev/null | grep -q 'inet '
}

# The router dials at once; what it is plugged into takes longer to start.
scenario_boot() {
  set_account alice s3cret
  act exporter-started start_exporter
  await 30 answers
  /usr/sbin/ip netns exec cli /lab/dial &
  sleep 8
  act server-started start_server
  see_outage_end
}

# After a power cut: the same with a clock that is years behind, until a time service answers.
scenario_early_boot() {
  scenario_boot
  note_wall
  set_clock clock-set to "$LAB_NOW"
  await 20 has_told time_stepped 1
}

scenario_padt() {
  act session-closed close_session
  see_outage_end
}

# The provider allows the next session a quarter of a minute, and then ends it as PPP does.
scenario_lcp_terminate() {
  limit_sessions 15
  act session-closed close_session
  see_outage_end
  unlimit_sessions
  see_outage_end
}

scenario_server_silent() {
  act server-silent silence_server
  # pppd notices after five seconds or six, and asks for six more whether it may end.
  sleep 20
  act server-restarted restart_server
  see_outage_end
}

scenario_no_pado() {
  act server-stopped stop_server
  # Four requests, after which pppd ends, 35 seconds after it started.
  sleep 40
  act server-started start_server
  see_outage_end
}

scenario_redial() {
  act hung-up hang_up
  see_outage_end
}

# Somebody types another password and dials.
scenario_wrong_password() {
  set_account alice wrong
  act hung-up hang_up
  # What was asked for is over after a minute.
  sleep 75
  act account-mended set_account alice s3cret
  see_outage_end
}

scenario_cable() {
  act cable-pulled pull_cable
  # The session ends meanwhile.
  sleep 20
  act cable-plugged plug_cable
  see_outage_end
}

# Too short for pppd to notice.
scenario_cable_wiggle() {
  act cable-pulled pull_cable
  sleep 4
  act cable-plugged plug_cable
  see_outage_end
}

scenario_beyond() {
  act internet-cut cut_internet
  sleep 12
  act internet-mended mend_internet
  see_outage_end
}

scenario_loss() {
  act loss-begun lose_frames 30
  # As many requests as the share of lost ones is counted from.
  sleep 60
  save loss_within
  act loss-ended lose_nothing
}

# An hour too late, and back.
scenario_clock() {
  set_clock clock-set by 3600
  await 20 has_told time_stepped 1
  set_clock clock-back by -3600
  await 20 has_told time_stepped 2
}

# While the cable is out.
scenario_clock_forward_within() {
  act cable-pulled pull_cable
  # Before pppd notices.
  sleep 3
  set_clock clock-set by 1000
  sleep 9
  act cable-plugged plug_cable
  see_outage_end
}

# While nobody answers the dial.
scenario_clock_back_within() {
  act server-stopped stop_server
  sleep 6
  set_clock clock-back by -1000
  sleep 3
  act server-started start_server
  see_outage_end
}
