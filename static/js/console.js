// Every page of the console loads this: the search of the bar, and the warning
// before the console closes.
import "./console-search.js";
import "./console-end.js";
