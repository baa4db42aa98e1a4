//! The methods that Node's inspector has. What is in no list it answers as a method that does not exist; what is in one and not
//! simulated is refused by name.

/// Of V8's own domains and of Node's, in version 24; those of `Debugger` are known by their domain.
const METHODS: &str = "\
    Console.clearMessages Console.disable Console.enable HeapProfiler.addInspectedHeapObject HeapProfiler.collectGarbage \
    HeapProfiler.getHeapObjectId HeapProfiler.getObjectByHeapObjectId HeapProfiler.startTrackingHeapObjects \
    HeapProfiler.stopTrackingHeapObjects HeapProfiler.takeHeapSnapshot IO.close IO.read Network.disable Network.enable \
    NodeRuntime.notifyWhenWaitingForDisconnect NodeTracing.getCategories NodeTracing.start NodeTracing.stop \
    NodeWorker.detach NodeWorker.sendMessageToWorker Profiler.getBestEffortCoverage Profiler.startPreciseCoverage \
    Profiler.stopPreciseCoverage Profiler.takePreciseCoverage Runtime.addBinding Runtime.awaitPromise \
    Runtime.callFunctionOn Runtime.compileScript Runtime.discardConsoleEntries Runtime.getExceptionDetails \
    Runtime.getProperties Runtime.globalLexicalScopeNames Runtime.queryObjects Runtime.removeBinding Runtime.runScript \
    Runtime.setAsyncCallStackDepth Runtime.setCustomObjectFormatterEnabled Runtime.setMaxCallStackSizeToCapture \
    Runtime.terminateExecution Target.setAutoAttach";

/// What `Schema.getDomains` names.
pub const DOMAINS: [&str; 5] = ["Runtime", "Debugger", "Profiler", "HeapProfiler", "Schema"];

/// Why a method is not answered: the code and the words of it.
pub fn refused(method: &str) -> (i64, String) {
    if METHODS.split(' ').any(|known| known == method) || method.starts_with("Debugger.") {
        let instead = if method == "HeapProfiler.takeHeapSnapshot" { "; HeapProfiler.startSampling is, and blocks nothing" } else { "" };
        return (-32000, format!("not simulated: {method}{instead}"));
    }
    (-32601, format!("'{method}' wasn't found"))
}
