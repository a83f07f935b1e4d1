package server

import (
	"context"
	"os"
	"runtime/debug"

	"latchkey/app/operator"
	"latchkey/app/secret"
)

// beat tells the operator's health page of this process.
func (s *Server) beat(ctx context.Context) {
	host, err := os.Hostname()
	if err != nil {
		host = s.Settings.Listen
	}
	self := operator.Replica{ID: secret.System.ShortID(), Host: host, Version: version(), StartedAt: s.DB.Now()}
	s.Operator.Beat(ctx, func() operator.Replica {
		self.Streams, self.Waiting = s.Site.Streams.Open(), s.Hub.Waiting()
		return self
	})
}

// version is what was built: a release, else the commit, else nothing to go by.
func version() string {
	const unknown = "unreleased"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(len(setting.Value), 12)]
		}
	}
	return unknown
}
