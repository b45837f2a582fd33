//! A lake and a cluster, in builds that have them.

use load::LoadReport;
use project::Project;
use store::Database;
use transform::Plan;

use crate::CouldNotRun;
use crate::console::Console;

/// The cluster that the project asks. Nothing is asked yet.
pub fn open(project: &Project, console: &Console) -> Result<Box<dyn Database>, CouldNotRun> {
    engine::open(project).map_err(|fault| console.cannot_run(&fault))
}

/// Loads what is new of the given streams into the lake, or a part of it such as `2/8`.
pub fn load(
    project: &Project,
    plans: &[&Plan],
    meant: &[&str],
    shard: Option<&str>,
    console: &Console,
) -> Result<Vec<LoadReport>, CouldNotRun> {
    engine::load(project, plans, meant, shard, console).map_err(|faults| {
        console.diagnostics(&faults);
        CouldNotRun
    })
}

#[cfg(feature = "spark")]
mod engine {
    use std::path::{Path, PathBuf};

    use diagnostics::Diagnostic;
    use indicatif::ProgressBar;
    use lake::{Lake, LakeError, Shard};
    use load::LoadReport;
    use project::Project;
    use spark::Cluster;
    use store::Database;
    use transform::Plan;

    use crate::console::Console;
    use crate::loading;

    pub fn open(project: &Project) -> Result<Box<dyn Database>, Box<Diagnostic>> {
        let lake = folder(project)?;
        let lake = lake.canonicalize().map_err(|_| {
            let fault = Diagnostic::error("lake-missing", "nothing is loaded into the lake yet");
            Box::new(fault.hint("`reliability load` does it"))
        })?;
        let address = project.settings.cluster.as_deref().unwrap_or_default();
        let (schema, plans) = (&project.definitions.schema, &project.plans);
        let cluster = Cluster::new(address, &lake, schema, plans);
        let cluster = cluster.map_err(|expected| {
            let message = format!("`DATABASE_URL` is no address of a cluster: {expected}");
            Box::new(Diagnostic::error("setting-value", message))
        })?;
        Ok(Box::new(cluster))
    }

    pub fn load(
        project: &Project,
        plans: &[&Plan],
        meant: &[&str],
        shard: Option<&str>,
        console: &Console,
    ) -> Result<Vec<LoadReport>, Vec<Diagnostic>> {
        let shard = shard.map_or(Ok(Shard::ALL), Shard::parse);
        let shard = shard.map_err(|expected| {
            vec![Diagnostic::error(
                "argument",
                format!("`--shard` is no part: {expected}"),
            )]
        })?;
        let folder = folder(project).map_err(|fault| vec![*fault])?;
        let lake = Lake::open(&folder, &project.definitions.schema, shard);
        let lake = lake.map_err(|error| faults(LakeError::Disk(error), &folder))?;
        let mut bar = ProgressBar::hidden();
        let loaded = lake::load(project, plans, meant, &lake, &mut |event| {
            loading::say(event, &mut bar, console);
        });
        loaded.map_err(|error| faults(error, &folder))
    }

    fn folder(project: &Project) -> Result<PathBuf, Box<Diagnostic>> {
        project.settings.lake.clone().ok_or_else(|| {
            let fault =
                Diagnostic::error("lake-missing", "a cluster is asked, and there is no lake");
            Box::new(
                fault.hint("set `LAKE_PATH` to the folder that `load` fills and the cluster reads"),
            )
        })
    }

    /// What went wrong, without the path of the lake, which not everybody who reads a log should know.
    fn faults(error: LakeError, folder: &Path) -> Vec<Diagnostic> {
        let folder = folder.display().to_string();
        let one = |code, message: String| {
            vec![Diagnostic::error(
                code,
                message.replace(&folder, "LAKE_PATH"),
            )]
        };
        match error {
            LakeError::Faults(faults) => faults,
            LakeError::Disk(error) => one("lake", format!("cannot use the lake: {error}")),
            LakeError::Rows(error) => {
                one("lake", format!("cannot write rows into the lake: {error}"))
            }
            LakeError::Thread(error) => one("threads", format!("cannot begin a thread: {error}")),
        }
    }
}

#[cfg(not(feature = "spark"))]
mod engine {
    use diagnostics::Diagnostic;
    use load::LoadReport;
    use project::Project;
    use store::Database;
    use transform::Plan;

    use crate::console::Console;

    pub fn open(_: &Project) -> Result<Box<dyn Database>, Box<Diagnostic>> {
        Err(Box::new(missing()))
    }

    pub fn load(
        _: &Project,
        _: &[&Plan],
        _: &[&str],
        _: Option<&str>,
        _: &Console,
    ) -> Result<Vec<LoadReport>, Vec<Diagnostic>> {
        Err(vec![missing()])
    }

    fn missing() -> Diagnostic {
        let message =
            "`LAKE_PATH` and `DATABASE_URL` are for a cluster, which this build leaves out";
        Diagnostic::error("feature-missing", message)
            .hint("build with `cargo install --path crates/cli --features spark`, or unset them")
    }
}
