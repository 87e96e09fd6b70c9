package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"

	"bluetrail/internal/config"
	"bluetrail/internal/detect/door"
	"bluetrail/internal/serve"
)

// reload reads the configuration again on SIGHUP, until ctx ends. What is dropped changes at
// once, for the files that are read from then on; everything else needs a restart, and the
// log says what. Rules, lists and certificates are followed without a signal.
func (s *server) reload(ctx context.Context, a *app) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	was := a.cfg
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
		}
		if a.configured == "" {
			s.log.Warn("there is no configuration file to reload")
			continue
		}
		now, err := config.Load(a.configured)
		if err == nil {
			err = s.use(a, now)
		}
		if err != nil {
			s.log.Error("cannot reload the configuration; the previous one stays in use", serve.KeyErr, err)
			continue
		}
		s.log.Info("read the configuration again", "restart_needed_for", strings.Join(changed(was, now), ", "))
	}
}

// use takes over what can change while the server runs.
func (s *server) use(a *app, cfg config.Config) error {
	f, err := door.Load(cfg.Drop, a.path)
	if err == nil {
		s.pipeline.SetDoor(f)
	}
	return err
}

// changed returns the keys of a configuration that differ and that only a restart takes over.
func changed(was, now config.Config) (keys []string) {
	x, y := reflect.ValueOf(was), reflect.ValueOf(now)
	for i := range x.NumField() {
		key := x.Type().Field(i).Tag.Get("yaml")
		if key != "drop" && key != "" && !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			keys = append(keys, key)
		}
	}
	return keys
}
