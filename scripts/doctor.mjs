/** npm run doctor: what the course has and what it lacks. Exit code 1 if it cannot run. */
import { examine } from "./lib/doctor.mjs";

process.exitCode = (await examine()) ? 0 : 1;
