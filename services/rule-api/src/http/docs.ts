import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import { SwaggerModule, type OpenAPIObject } from "@nestjs/swagger";
import { openApi } from "./openapi.js";

/** `/openapi.json`, and Swagger UI at `/docs` (its files come from the npm package: nothing is loaded from elsewhere). */
export function serveDocs(app: NestFastifyApplication, version: string): void {
  const document = openApi(version);
  SwaggerModule.setup("docs", app, document as unknown as OpenAPIObject, {
    jsonDocumentUrl: "openapi.json",
    customSiteTitle: "SecuXFlow rule API",
    swaggerOptions: { validatorUrl: null },
  });
}
