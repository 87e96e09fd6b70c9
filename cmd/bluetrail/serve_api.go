package main

import (
	"bluetrail/internal/api"
	"bluetrail/internal/serve"
	"bluetrail/internal/state"
	"bluetrail/web"
)

// serveAPI mounts the API, once the data directory is open. in is what searches
// of the server run with.
func (s *server) serveAPI(_ *app, h *serve.HTTP) error {
	h.Mount(api.New(api.Config{
		Log:     s.log,
		Version: version,
		Pages:   web.Dist(),
		Audit:   s.recordAct,
	}))
	return nil
}

// recordAct records in the audit log what somebody did through the API.
func (s *server) recordAct(act api.Act) error {
	return s.pipeline.State().Write(func(tx *state.Tx) error {
		return tx.Audit(state.Action{Who: act.Who, Action: act.Action, Kind: act.Kind, Object: act.Object, Text: act.Detail})
	})
}
