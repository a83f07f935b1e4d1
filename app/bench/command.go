package bench

import "time"

// Command is the flags of `latchkey bench` for kong. Who runs it starts the
// server, seeds Options().UsersNeeded() users and calls Run.
type Command struct {
	SignIns    []int         `name:"sign-ins" default:"400,2000,4000" placeholder:"N,…" help:"Sign-ins to measure at each --at-once. Default: 400,2000,4000."`
	AtOnce     []int         `name:"at-once" default:"1,8,32" placeholder:"N,…" help:"How many sign-ins run at once, one row each. Default: 1,8,32."`
	CommitTime time.Duration `name:"commit-time" default:"1s" help:"How long each of the three measurements of the bound takes, per row."`
	Page       string        `name:"page" default:"/me" help:"The page that checks the session."`
	Pages      int           `name:"pages" default:"20000" help:"How many of it; 0 leaves it out."`
	Wakes      int           `name:"wakes" default:"300" help:"Answers whose way to the browser is timed; 0 leaves it out."`
	Streams    int           `name:"streams" default:"10000" help:"Browsers that wait at the same time (Linux only); 0 leaves it out."`
}

// Options gives what the flags say.
func (c *Command) Options() Options {
	o := Options{
		CommitTime: c.CommitTime, PagePath: c.Page, Pages: c.Pages, PagesAt: 32,
		Wakes: c.Wakes, Streams: c.Streams, Settle: Defaults().Settle,
	}
	for i, atOnce := range c.AtOnce {
		l := Level{AtOnce: atOnce}
		if len(c.SignIns) > 0 {
			l.SignIns = c.SignIns[min(i, len(c.SignIns)-1)]
		}
		o.Levels = append(o.Levels, l)
	}
	return o
}
