package signin

import (
	"math"
	"strconv"
	"time"
)

func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
